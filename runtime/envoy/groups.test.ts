import { expect, it, vi } from 'vitest';
import { groupsOf } from './groups.ts';

interface Part {
  readonly name: string;
}

it('makes the groups of parts that are new, and finds the others wherever they went', () => {
  const make = vi.fn(({ name }: Part) => [{ typeUrl: 't', name, version: '', value: new Uint8Array() }]);
  const groups = groupsOf(make);
  const made = (): readonly string[] => make.mock.calls.splice(0).map(([{ name }]) => name);
  const [a, b, c, d]: readonly [Part, Part, Part, Part] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }];
  const first = groups([a, b, c]);
  expect(made()).toEqual(['a', 'b', 'c']);
  const edited = groups([a, d, c]);
  expect(made()).toEqual(['d']);
  expect([edited[0], edited[2]]).toEqual([first[0], first[2]]);
  const shorter = groups([d, c]);
  expect(made()).toEqual([]);
  expect(shorter[0]).toBe(edited[1]);
  // What had left is made again, and that alone.
  expect(groups([a, d, c])[2]).toBe(first[2]);
  expect(made()).toEqual(['a']);
});
