import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Route, RouteMatch } from '#model/route.ts';
import { defaultRoute } from './port-routes.ts';
import { byAge, byPrecedence, unreachable } from './route-order.ts';

const match = (kind: RouteMatch['path']['kind'], value: string, rest: Partial<RouteMatch> = {}): RouteMatch => ({
  path: { kind, value },
  headers: [],
  query: [],
  ...rest,
});
const header = (name: string) => ({ name, match: { kind: 'exact', value: 'x' } as const });
const parameter = header;

test('the order of the Gateway API', () => {
  const sorted = [
    match('exact', '/a', { method: 'GET' }),
    match('exact', '/a'),
    match('prefix', '/a/b'),
    match('prefix', '/a', { method: 'GET' }),
    match('prefix', '/a', { headers: [header('a'), header('b')] }),
    match('prefix', '/a', { headers: [header('a')], query: [parameter('q')] }),
    match('prefix', '/a', { headers: [header('a')] }),
    match('prefix', '/a', { query: [parameter('q')] }),
    match('prefix', '/a'),
    match('prefix', '/'),
    match('regex', '/.*'),
  ];
  expect(sorted.toReversed().sort(byPrecedence)).toEqual(sorted);
});

const anyMatch = fc.record({
  path: fc.record({
    kind: fc.constantFrom('exact' as const, 'prefix' as const, 'rawPrefix' as const, 'regex' as const),
    value: fc.constantFrom('/', '/a', '/a/b', '/ab'),
  }),
  headers: fc.subarray([header('a'), header('b')]),
  query: fc.subarray([parameter('q')]),
});

test('precedence is a total preorder', () => {
  fc.assert(
    fc.property(anyMatch, anyMatch, anyMatch, (a, b, c) => {
      expect(Math.sign(byPrecedence(a, b)) + Math.sign(byPrecedence(b, a))).toBe(0);
      if (byPrecedence(a, b) <= 0 && byPrecedence(b, c) <= 0) expect(byPrecedence(a, c)).toBeLessThanOrEqual(0);
    }),
  );
});

test('the older resource first, one without a time last, then by name', () => {
  const aged = (creationTimestamp: string, name: string) => ({ metadata: { creationTimestamp, namespace: 'n', name } });
  const sorted = [aged('2026-01-01T00:00:00Z', 'z'), aged('2026-01-02T00:00:00Z', 'a'), aged('', 'a'), aged('', 'b')];
  expect(sorted.toReversed().sort(byAge)).toEqual(sorted);
});

describe('unreachable', () => {
  const routes = (...matches: readonly RouteMatch[]): readonly Route[] =>
    matches.map((each, index) => ({ ...defaultRoute('b'), name: String(index), match: each }));
  const found = (...matches: readonly RouteMatch[]) =>
    unreachable(routes(...matches)).map(({ route, by }) => [route.name, by.name]);

  test.each([
    [[match('prefix', '/'), match('regex', '/.*')], true],
    [[match('prefix', '/a'), match('exact', '/a')], true],
    [[match('prefix', '/a'), match('prefix', '/a/b')], true],
    [[match('prefix', '/a'), match('exact', '/ab')], false],
    [[match('rawPrefix', '/a'), match('exact', '/ab')], true],
    [[match('prefix', '/a'), match('rawPrefix', '/a')], false],
    [[match('prefix', '/a', { method: 'GET' }), match('exact', '/a')], false],
    [
      [
        match('prefix', '/a', { headers: [header('a')] }),
        match('prefix', '/a', { headers: [header('b'), header('a')] }),
      ],
      true,
    ],
    [[match('prefix', '/a', { headers: [header('a')] }), match('prefix', '/a')], false],
    [[match('regex', '/a.*'), match('exact', '/a')], false],
  ])('%o: %s', (matches, expected) => expect(found(...matches)).toEqual(expected ? [['1', '0']] : []));

  test('a thousand routes take no noticeable time, and a catch-all is still seen', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => match('exact', `/${index}`));
    expect(found(match('prefix', '/'), ...many)).toHaveLength(5_000);
    expect(found(...many)).toEqual([]);
  });
});
