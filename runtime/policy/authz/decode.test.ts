import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StringMatch } from '#model/match.ts';
import { compileAuthz } from './compile.ts';
import { decodeAttributes, openAuthz } from './decode.ts';

const NONE = { any: [], none: [] };

/** What the program's bytes say of the values of a header that policies were given. */
function decoded(values: readonly StringMatch[]): string[] {
  const when = [{ key: 'header' as const, header: 'x', values: { any: values, none: [] } }];
  const program = compileAuthz(
    { policies: [{ namespace: 'n', name: 'p', action: 'ALLOW', rules: [{ from: [], to: [], when }] }] },
    { port: 80, addresses: [], protocol: 'http' },
  );
  if (program === undefined) throw new Error('expected a program');
  return decodeAttributes(openAuthz(program)).flatMap(({ atoms }) => atoms.map((atom) => atom.text));
}

/** Few characters, so that texts begin and end alike. */
const texts = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'é'), maxLength: 6 });

test('every value is found in the tries and tables, and nothing else', () => {
  const values = fc.array(
    fc.record({ kind: fc.constantFrom('exact' as const, 'prefix' as const, 'suffix' as const), value: texts }),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(values, (given) => {
      const expected = new Set(given.map(({ kind, value }) => `${kind} ${JSON.stringify(value)}`));
      expect(decoded(given).sort()).toEqual([...expected].sort());
    }),
  );
});

test('templates and globs', () => {
  const templates = ['/a/{*}', '/a/{**}', '/a/{*}/b', '/{**}/b/c', '/{**}', '/'];
  expect(decoded(templates.map((value) => ({ kind: 'template', value }))).sort()).toEqual(
    templates.map((value) => `template ${JSON.stringify(value)}`).sort(),
  );
  expect(decoded([{ kind: 'regex', value: 'a\\.b.*c' }, { kind: 'present' }])).toEqual(['glob "a.b*c"', 'present']);
});

test('address blocks within each other', () => {
  const blocks = ['10.0.0.0/8', '10.0.0.0/9', '10.128.0.0/9', '10.1.2.3/32', '0.0.0.0/0', '2001:db8:0:0:0:0:0:0/32'];
  const cidrs = blocks.map((block) => ({
    address: block.split('/')[0] ?? '',
    length: Number(block.split('/')[1]),
  }));
  const source = { principals: NONE, namespaces: NONE, ipBlocks: { any: cidrs, none: [] } };
  const program = compileAuthz(
    { policies: [{ namespace: 'n', name: 'p', action: 'DENY', rules: [{ from: [source], to: [], when: [] }] }] },
    { port: 80, addresses: [], protocol: 'tcp' },
  );
  const [attribute] = decodeAttributes(openAuthz(program ?? new Uint8Array()));
  expect(attribute?.atoms.map(({ text }) => text)).toEqual(blocks.map((block) => `block ${block}`));
});
