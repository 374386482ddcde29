import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { Report } from './report.ts';
import { boolean, enumeration, integer, string, anything } from './scalar.ts';
import { ignored, required, type Infer, type Schema, unsupported, withDefault } from './schema.ts';
import { list, map } from './collection.ts';
import { object } from './object.ts';
import { either, oneOf, oneOrNone, variants } from './choice.ts';

const rule = object({
  name: required(string({ min: 1 })),
  weight: withDefault(integer(0, 100), 1),
  mode: enumeration('Fast', 'Slow'),
  labels: map(string()),
  hosts: list(string(), { max: 2 }),
  retry: unsupported(object({ attempts: integer(0, 9) }), 'retry', { effect: 'no retries' }),
  auth: unsupported(string(), 'auth', { level: 'error', refuses: true }),
  status: ignored(),
});

function read<T>(schema: Schema<T>, value: unknown) {
  const report = new Report();
  const result = schema.read(value, report);
  return { result, report, problems: report.problems.map(({ code, path, message }) => `${code} ${path} ${message}`) };
}

describe('object', () => {
  it('fills in defaults and leaves out what is optional, ignored or unsupported', () => {
    const { result, problems } = read(rule, { name: 'a', status: { x: 1 }, weight: null });
    expect(problems).toEqual([]);
    expect(result).toEqual({ name: 'a', weight: 1, labels: {}, hosts: [] });
    expectTypeOf<Infer<typeof rule>>().toEqualTypeOf<{
      readonly name: string;
      readonly weight: number;
      readonly labels: Readonly<Record<string, string>>;
      readonly hosts: readonly string[];
      readonly mode?: 'Fast' | 'Slow';
    }>();
  });

  it('names unknown fields and the one that was meant', () => {
    const { report } = read(rule, { name: 'a', wieght: 3, nothingLikeIt: 1 });
    expect(report.problems).toMatchObject([
      { code: 'PTL1101', level: 'error', path: 'wieght', next: 'did you mean weight?' },
      { code: 'PTL1101', level: 'error', path: 'nothingLikeIt', next: 'remove nothingLikeIt' },
    ]);
  });

  it('reports missing, mistyped and out-of-range values at their paths', () => {
    const { problems } = read(object({ rules: list(rule) }), {
      rules: [
        { weight: 101, mode: 'fast', labels: { 'a.b/c': 1 }, hosts: ['x', null] },
        { name: 5 },
        { name: 'a', hosts: 'x' },
      ],
    });
    expect(problems).toEqual([
      'PTL1105 rules[0].name field "name" is required',
      'PTL1104 rules[0].weight 101 is not an integer from 0 to 100',
      'PTL1104 rules[0].mode "fast" is not one of: Fast, Slow',
      'PTL1103 rules[0].labels[a.b/c] expected a string, came a number',
      'PTL1103 rules[0].hosts[1] expected a value, came null',
      'PTL1103 rules[1].name expected a string, came a number',
      'PTL1103 rules[2].hosts expected a list, came a string',
    ]);
  });

  it.each([1.5, -1, 2 ** 32, Infinity, Number.NaN])('refuses the weight %d by name', (weight) => {
    expect(read(rule, { name: 'a', weight }).problems[0]).toMatch(
      /^PTL1104 weight .* is not an integer from 0 to 100$/,
    );
  });

  it('tells unsupported fields with their effect, checks them, and lets empty ones pass', () => {
    const { report } = read(rule, { name: 'a', retry: { attempts: 99 }, auth: 'x' });
    expect(report.problems).toMatchObject([
      { code: 'PTL1104', path: 'retry.attempts' },
      { code: 'PTL1501', level: 'warning', path: 'retry', effect: 'no retries' },
      { code: 'PTL1501', level: 'error', path: 'auth' },
    ]);
    expect(report.refused).toBe(true);
    expect(read(rule, { name: 'a', retry: {}, auth: '' }).problems).toEqual([]);
  });

  it('reports in an open object only what looks like a misspelling', () => {
    const open = object({ hostNetwork: boolean() }, { open: true });
    expect(read(open, { volumes: [], hostNetwrok: true }).problems).toEqual([
      'PTL1101 hostNetwrok unknown field "hostNetwrok"',
    ]);
  });

  it('treats __proto__ and constructor as names like any other', () => {
    const value: unknown = JSON.parse(
      '{"name":"a","__proto__":{"polluted":1},"labels":{"__proto__":"x","constructor":"y"}}',
    );
    const { result, problems } = read(rule, value);
    expect(problems).toEqual(['PTL1101 __proto__ unknown field "__proto__"']);
    expect(Object.entries(result?.labels ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(read(rule, JSON.parse('{"__proto__":{"name":"a"}}')).problems).toContain(
      'PTL1105 name field "name" is required',
    );
  });

  it('stops telling after a hundred problems and counts the rest', () => {
    const { report } = read(
      list(string()),
      Array.from({ length: 150 }, () => 1),
    );
    expect(report.problems).toHaveLength(100);
    expect(report.suppressed).toBe(50);
  });
});

describe('choice', () => {
  const match = oneOf({ exact: string(), prefix: string() });
  const filter = variants('type', {
    Rewrite: { rewrite: required(object({ path: string() })) },
    Mirror: { mirror: unsupported(anything(), 'mirror') },
  });

  it('takes exactly one field', () => {
    expect(read(match, { exact: 'a' }).result).toEqual({ exact: 'a' });
    expect(read(match, { exact: 'a', prefix: 'b' }).problems).toEqual([
      'PTL1106  expected exactly one of: exact, prefix, came exact and prefix',
    ]);
    expect(read(match, {}).problems).toEqual(['PTL1106  expected exactly one of: exact, prefix, came none']);
    expect(read(oneOrNone({ exact: string() }), {}).problems).toEqual([]);
  });

  it('reads a tagged union, keeping the tag of what is not supported', () => {
    expect(read(filter, { type: 'Rewrite', rewrite: { path: '/' } }).result).toEqual({
      type: 'Rewrite',
      rewrite: { path: '/' },
    });
    const mirror = read(filter, { type: 'Mirror', mirror: { port: 1 } });
    expect(mirror.result).toEqual({ type: 'Mirror' });
    expect(mirror.problems).toEqual(['PTL1501 mirror mirror is not supported by this version']);
  });

  it('reports fields of another variant, bad tags and missing parts', () => {
    expect(read(filter, { type: 'Rewrite', mirror: {} }).problems).toEqual([
      'PTL1106 mirror field "mirror" does not go with type "Rewrite"',
      'PTL1105 rewrite field "rewrite" is required',
    ]);
    expect(read(filter, { type: 'mirror', mirorr: {} }).report.problems).toMatchObject([
      { code: 'PTL1104', path: 'type', next: 'write Mirror' },
      { code: 'PTL1101', path: 'mirorr', next: 'did you mean mirror?' },
    ]);
    expect(read(filter, {}).problems).toEqual(['PTL1105 type field "type" is required']);
  });

  it('reads a number or a text', () => {
    const port = either(integer(1, 10), string());
    expect([read(port, 3).result, read(port, 'http').result, read(port, 11).result]).toEqual([3, 'http', undefined]);
  });
});

it('never throws, whatever the value', () => {
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }), (value) => {
      new Report().add({ code: 'PTL1101', level: 'info', message: '' });
      const { report, result } = read(rule, value);
      expect(result === undefined || report.problems.length >= 0).toBe(true);
      for (const { path, message } of report.problems) expect(`${path}${message}`).toBeTypeOf('string');
    }),
  );
});
