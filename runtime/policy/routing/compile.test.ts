import { expect, it } from 'vitest';
import type { Route } from '#model/route.ts';
import { fnv1a } from '../hash.ts';
import { servicePort, split } from '../service-port.fixture.ts';
import { compileRouting } from './compile.ts';
import { disassemble } from './disassemble.ts';

const compiled = (...routes: readonly Route[]): string => {
  const program = compileRouting(servicePort(routes));
  return program ? disassemble(program) : 'nothing';
};

it('prints what it compiled, routes by name and backends in the order of the weights', () => {
  expect(
    compiled(
      split('reviews.1', { v1: 90, v2: 0, v3: 10 }, { by: 'header', name: 'X-User' }),
      split('reviews.0', { v1: 1, v2: 1, v3: 1 }),
    ),
  ).toMatchInlineSnapshot(`
    "routing, format 1, 192 bytes
      route "reviews.0"
        1 of 3: draw 0, seed 0000000000000000
        1 of 3: draw 1, seed 0000000000000000
        1 of 3: draw 2, seed 0000000000000000
      route "reviews.1", sticky by header "x-user"
        9 of 10: draw 0, seed 08cf0b07b5709128
        1 of 10: draw 90, seed 08cf0d07b570948e
    "
  `);
});

it('compiles nothing where no route splits', () => {
  expect(compiled()).toBe('nothing');
  expect(compiled(split('one', { v1: 1 }), split('one-left', { v1: 5, v2: 0 }), split('none', { v1: 0, v2: 0 }))).toBe(
    'nothing',
  );
});

it('gives one program for one set of routes, in whatever order they come', () => {
  const routes = Array.from({ length: 20 }, (_, i) => split(`r${i}`, { a: 1, b: i + 1 }));
  expect(compileRouting(servicePort([...routes].reverse()))).toEqual(compileRouting(servicePort(routes)));
});

it('a backend that is named twice counts twice', () => {
  const one = split('r', { v1: 2, v2: 1 });
  if (one.action.kind !== 'forward') throw new Error('a split forwards');
  const [v1, v2] = one.action.backends;
  const text = compiled({ ...one, action: { ...one.action, sticky: { by: 'identity' }, backends: [v1!, v2!, v1!] } });
  const seeds = [...text.matchAll(/seed (\w+)/g)].map(([, seed]) => seed);
  expect(new Set(seeds).size).toBe(3);
});

it('says what it cannot write', () => {
  expect(() => compiled(split('r', { v1: 0xffff_ffff, v2: 1 }))).toThrow(
    /expected weights with a sum below 2\^32, came/,
  );
});

it('hashes names as FNV-1a does', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  // Test vectors of the authors of FNV.
  expect([fnv1a(bytes('')), fnv1a(bytes('a')), fnv1a(bytes('foobar'))]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});
