import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { positionIn, readFileState } from './file-state.ts';

const line = fc.constantFrom(
  '---\n',
  '--- # x\n',
  '...\n',
  '... x\n',
  'a: 1\n',
  'b: 2\n',
  '\n',
  '%YAML 1.2\n',
  '---',
  '---x\n',
  'c: 3',
  '\r\n',
  '\uFEFF',
);
const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join(''));

it('reads an edited file as it would read it afresh', () => {
  const edit = fc
    .tuple(text, text, text, text)
    .map(([head, old, now, tail]) => [head + old + tail, head + now + tail] as const);
  fc.assert(
    fc.property(edit, ([before, after]) => {
      const edited = readFileState('a', after, readFileState('a', before, undefined));
      const fresh = readFileState('a', after, undefined);
      expect(edited.documents.map((document) => document.text)).toEqual(
        fresh.documents.map((document) => document.text),
      );
      expect(edited.offsets).toEqual(fresh.offsets);
      expect(edited.broken?.text).toEqual(fresh.broken?.text);
    }),
    { numRuns: 400 },
  );
}, 30_000);

it('keeps the documents around an edit, also those that moved', () => {
  const file = (b: string) => `a: 1\n---\nb: ${b}\n---\nc: 3\n---\nd: 4\n`;
  const before = readFileState('a', file('2'), undefined);
  const after = readFileState('a', file('a longer text'), before);
  expect(after.documents.map((document, i) => document === before.documents[i])).toEqual([true, false, true, true]);
  expect(positionIn(after, after.documents[3]!, 4)).toEqual({ line: 7, column: 1 });
  expect(readFileState('a', file('2'), before)).toBe(before);
  const moved = readFileState('a', `x: 0\n---\nd: 4\n${file('2')}`, before);
  expect(moved.documents.filter((document) => before.documents.includes(document))).toHaveLength(3);
});

it('tells two equal documents apart', () => {
  const { documents } = readFileState('a', '---\na: 1\n---\na: 1\n', undefined);
  expect(documents[0]).not.toBe(documents[1]);
});
