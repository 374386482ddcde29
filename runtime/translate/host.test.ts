import { expect, test } from 'vitest';
import { byHostname, intersect } from './hostname.ts';
import { resolveHost } from './host.ts';

test.each([
  ['reviews', { namespace: 'app', name: 'reviews' }],
  ['Reviews', { namespace: 'app', name: 'reviews' }],
  ['reviews.other.svc.cluster.local', { namespace: 'other', name: 'reviews' }],
  ['reviews.other', undefined],
  ['reviews.other.svc', undefined],
  ['a.b.other.svc.cluster.local', undefined],
  ['*.other.svc.cluster.local', undefined],
  ['.other.svc.cluster.local', undefined],
  ['example.com', undefined],
  ['', undefined],
])('host %s', (host, expected) => expect(resolveHost(host, 'app', 'cluster.local')).toEqual(expected));

test.each([
  [undefined, undefined, '*'],
  ['a.b', undefined, 'a.b'],
  [undefined, 'a.b', 'a.b'],
  ['a.b', 'a.b', 'a.b'],
  ['*.b', 'a.b', 'a.b'],
  ['a.b', '*.b', 'a.b'],
  ['*.b', '*.a.b', '*.a.b'],
  ['*.b', 'x.a.b', 'x.a.b'],
  ['*.b', 'b', undefined],
  ['*.b', 'ab', undefined],
  ['a.b', 'c.b', undefined],
])('listener %s and route %s have %s in common', (listener, route, expected) =>
  expect(intersect(listener, route)).toBe(expected),
);

test('exact host names come before wildcards, longer before shorter', () => {
  expect(['*', '*.b', 'a.b', '*.a.b', 'x.a.b'].sort(byHostname)).toEqual(['x.a.b', 'a.b', '*.a.b', '*.b', '*']);
});
