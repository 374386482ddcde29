import { expect, test } from 'vitest';
import { addressBlock, namespaceMatch, pathMatch, portNumber, principalMatch, stringMatch } from './authz-value.ts';

test.each([
  ['GET', { kind: 'exact', value: 'GET' }],
  ['*', { kind: 'present' }],
  ['/a*', { kind: 'prefix', value: '/a' }],
  ['*a', { kind: 'suffix', value: 'a' }],
  ['*a*', { kind: 'suffix', value: 'a*' }],
  ['a*b', { kind: 'exact', value: 'a*b' }],
])('%s', (value, expected) => expect(stringMatch(value)).toEqual(expected));

test.each([
  ['td/ns/a/sa/b', { kind: 'exact', value: 'spiffe://td/ns/a/sa/b' }],
  ['td/*', { kind: 'prefix', value: 'spiffe://td/' }],
  ['*/sa/b', { kind: 'suffix', value: '/sa/b' }],
  ['*', { kind: 'present' }],
])('principal %s', (value, expected) => expect(principalMatch(value)).toEqual(expected));

test.each([
  ['team-a', { kind: 'exact', value: 'team-a' }],
  ['a.b', { kind: 'exact', value: 'a.b' }],
  ['*', { kind: 'present' }],
  ['team-*', { kind: 'prefix', value: 'team-' }],
  ['a.*b', { kind: 'regex', value: 'a\\..*b' }],
  ['*a*', { kind: 'regex', value: '.*a.*' }],
])('namespace %s', (value, expected) => expect(namespaceMatch(value)).toEqual(expected));

test.each([
  ['/a/{*}/b', 'template'],
  ['/a/{**}', 'template'],
  ['/a/*', 'prefix'],
  ['/a/{id}', 'exact'],
])('path %s is a %s', (value, kind) => expect(pathMatch(value).kind).toBe(kind));

test('what cannot be read is never left out', () => {
  expect(() => addressBlock('10.0.0.0/33')).toThrow('10.0.0.0/33');
  expect(() => portNumber('0')).toThrow('"0" is not a port');
  expect(() => portNumber('80a')).toThrow();
  expect(addressBlock('10.0.0.1')).toEqual({ address: '10.0.0.1', length: 32 });
});
