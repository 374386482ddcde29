import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParsedDocument, positionAt, splitDocuments } from './document.ts';
import { parseYaml } from './yaml-tree.ts';

const texts = (file: string): readonly string[] => splitDocuments(file).map(({ text }) => text);

describe('splitDocuments', () => {
  it('cuts at markers that begin a line, and keeps them with what they begin', () => {
    expect(texts('a: 1\n---\nb: 2\n--- # c\nc: 3\n')).toEqual(['a: 1\n', '---\nb: 2\n', '--- # c\nc: 3\n']);
    expect(texts('a: 1\r\n---\r\nb: 2\r\n')).toEqual(['a: 1\r\n', '---\r\nb: 2\r\n']);
    expect(texts('a: |\n  ---\n ---\nb: "x---"\n----\n')).toHaveLength(1);
  });

  it('leaves out what is blank, a byte order mark and end markers', () => {
    expect(texts('---\n\n---\n---\na: 1\n---')).toEqual(['---\na: 1\n']);
    expect(texts('\uFEFFa: 1\n...\n---\nb: 2\n...')).toEqual(['a: 1\n', '---\nb: 2\n']);
    expect(texts('')).toEqual([]);
  });

  it('keeps a directive with its document', () => {
    expect(texts('%YAML 1.2\n---\na: 1\n---\nb: 2\n')).toEqual(['%YAML 1.2\n---\na: 1\n', '---\nb: 2\n']);
  });

  it('loses nothing but markers and blanks', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('---', '...', '\n', 'a: 1', ' ', '# c', '%YAML 1.2', '\r\n')), (parts) => {
        const file = parts.join('');
        for (const { offset, text } of splitDocuments(file))
          expect(file.slice(offset, offset + text.length)).toBe(text);
        const left = splitDocuments(file)
          .map(({ text }) => text)
          .join('');
        for (const word of ['a: 1', '# c']) expect(left.split(word).length).toBe(file.split(word).length);
      }),
    );
  });
});

describe('parseYaml', () => {
  const value = (text: string): unknown => parseYaml(text).value;

  it.each([
    ['yes', true],
    ['y', true],
    ['On', true],
    ['TRUE', true],
    ['no', false],
    ['n', false],
    ['off', false],
    ['012', 10],
    ['0o14', 12],
    ['0x1F', 31],
    ['0b101', 5],
    ['1_000', 1000],
    ['-7', -7],
    ['1e3', 1000],
    ['.5', 0.5],
    ['22:22', '22:22'],
    ['2024-01-01', '2024-01-01'],
    ['1.2.3', '1.2.3'],
    ['09', 9],
    ['~', null],
    ['', null],
    ['"yes"', 'yes'],
    ['8080s', '8080s'],
    ['.inf', Infinity],
    ['-.inf', -Infinity],
    ['99999999999999999999', 1e20],
  ])('reads the plain scalar %s as kubectl does', (text, expected) => {
    expect(value(`a: ${text}\n`)).toEqual({ a: expected });
  });

  it('knows merge keys and aliases', () => {
    expect(value('x: &x {a: 1}\nz: {<<: *x, b: 2}\n')).toEqual({ x: { a: 1 }, z: { a: 1, b: 2 } });
  });

  it('reads JSON, with tabs and escapes', () => {
    expect(value('{\n\t"a": "\\ud83d\\ude00\\u0041",\n\t"b": [1, true, null]\n}')).toEqual({
      a: '😀A',
      b: [1, true, null],
    });
  });

  it.each([
    ['a: 1\na: 2\n', 'duplicate', 5],
    ['{"a": 1, "a": 2}', 'duplicate', 9],
    ['a: [1\nb: 2\n', 'syntax', 6],
    ['a: !!js/function x\n', 'syntax', 3],
    ['a: \0\n', 'limit', 3],
    ['\ta: 1\n', 'syntax', 0],
    ['a: *nowhere\n', 'syntax', 3],
  ])('reports %j as %s, at its place', (text, kind, offset) => {
    expect(parseYaml(text).errors[0]).toMatchObject({ kind, offset });
  });

  it('gives up an alias bomb', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`);
    const started = performance.now();
    const { errors, value: read } = parseYaml(`l0: &l0 lol\n${levels.join('\n')}\n`);
    expect(errors).toMatchObject([{ kind: 'limit', message: 'aliases stand for more than 100 values' }]);
    expect(read).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('takes time in proportion to the text, for keys, aliases and errors', () => {
    const started = performance.now();
    const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}: 1\n`).join('');
    expect(Object.keys(parseYaml(keys).value as object)).toHaveLength(10_000);
    expect(parseYaml(`a: &a 1\nb:\n${'- *a\n'.repeat(50_000)}`).errors).toMatchObject([
      { kind: 'limit', message: 'more than 100 aliases' },
    ]);
    expect(parseYaml('"'.repeat(20_000)).errors).toHaveLength(5);
    expect(performance.now() - started).toBeLessThan(4000);
  });

  it.each([
    ['brackets', '['.repeat(100_000)],
    ['braces', '{a: '.repeat(100_000)],
    ['dashes', '- '.repeat(100_000)],
    ['indentation', Array.from({ length: 2000 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')],
    ['explicit keys', '? '.repeat(100_000)],
    ['mixed', '[{a: '.repeat(50_000)],
  ])('gives up what nests too deep: %s', (_, text) => {
    const started = performance.now();
    expect(parseYaml(text).errors[0]).toMatchObject({ kind: 'limit', message: 'nested deeper than 64 levels' });
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it('leaves prototypes alone', () => {
    const read = value('__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}\n') as object;
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor']);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('ParsedDocument', () => {
  const text = `apiVersion: v1 # c
kind: Service
metadata:
  name: a
  labels:
    app.kubernetes.io/name: "x"
spec:
  ports:
    - port: 80
      name: http
    - {port: 81,  name: other}
`;
  const at = (path: string) => positionAt(text, new ParsedDocument(text).offsetOf(path));

  it.each([
    ['', 1, 1],
    ['kind', 2, 1],
    ['metadata.labels[app.kubernetes.io/name]', 6, 5],
    ['spec.ports', 8, 3],
    ['spec.ports[0]', 9, 7],
    ['spec.ports[0].name', 10, 7],
    ['spec.ports[1].name', 11, 19],
    ['spec.ports[1].protocol', 11, 7],
    ['spec.ports[7].name', 8, 3],
    ['spec.nothing.there', 7, 1],
    ['no.such', 1, 1],
  ])('finds %j', (path, line, column) => {
    expect(at(path)).toEqual({ line, column });
  });
});

it('never throws, and never takes long', () => {
  const words = `a|: |\n|- |  |{|}|[|]|"|'|&a |*a|? |---\n|...\n|#|%|!!|!|<<|,|\t|\r\n|\0|\uFEFF|\ud800|@|\x60|0|~|\\|>|kind: Service\n|metadata:\n`;
  const pieces = fc.constantFrom('|', ...words.split('|'));
  const yaml = fc.array(pieces, { maxLength: 400 }).map((parts) => parts.join(''));
  const bytes = fc.uint8Array({ maxLength: 2000 }).map((array) => new TextDecoder().decode(array));
  fc.assert(
    fc.property(fc.oneof(yaml, bytes, fc.string({ maxLength: 2000 })), (text) => {
      const started = performance.now();
      for (const part of splitDocuments(text)) {
        const document = new ParsedDocument(part.text);
        expect(document.offsetOf('spec.rules[0].x')).toBeLessThanOrEqual(part.text.length);
      }
      expect(performance.now() - started).toBeLessThan(1000);
    }),
    { numRuns: 500 },
  );
});
