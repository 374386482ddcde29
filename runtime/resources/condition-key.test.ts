import { expect, test } from 'vitest';
import { readConditionKey } from './condition-key.ts';

test.each([
  ['source.ip', { kind: 'plain', key: 'source.ip' }],
  ['request.headers[X-A]', { kind: 'header', name: 'X-A' }],
  ['request.headers[[a]]', { kind: 'header', name: '[a]' }],
  ['request.auth.audiences', { kind: 'claim', claim: ['aud'] }],
  ['request.auth.presenter', { kind: 'claim', claim: ['azp'] }],
  ['request.auth.claims[a]', { kind: 'claim', claim: ['a'] }],
  ['request.auth.claims[a][b.c][d]', { kind: 'claim', claim: ['a', 'b.c', 'd'] }],
  ['request.auth.claims[https://a.b/c]', { kind: 'claim', claim: ['https://a.b/c'] }],
  // As Istio reads what does not pair up.
  ['request.auth.claims[a[b]]', { kind: 'claim', claim: ['a[b]'] }],
  ['request.auth.claims[a]b]', { kind: 'claim', claim: ['a]b'] }],
  ['experimental.envoy.filters.a.b[c]', { kind: 'metadata', filter: 'envoy.filters.a.b', name: 'c' }],
  ['experimental.envoy.filters.a.b[c][d]', { kind: 'metadata', filter: 'envoy.filters.a.b', name: 'c][d' }],
])('%s', (key, expected) => {
  expect(readConditionKey(key)).toEqual(expected);
});

test.each([
  'request.headers',
  'request.headers[]',
  'request.headersx[a]',
  'request.auth.claims',
  'request.auth.claims[]',
  'request.auth.claims[a',
  'experimental.envoy.filters.a',
  'experimental.envoy.filters.[a]',
  'source.port',
  '',
])('"%s" is none', (key) => {
  expect(readConditionKey(key)).toBeUndefined();
});
