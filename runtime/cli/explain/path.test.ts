import { expect, it } from 'vitest';
import { normalizedPath } from './path.ts';

it.each([
  ['/a/b', '/a/b'],
  ['/', '/'],
  ['/a//b///c', '/a/b/c'],
  ['/a/./b/../c', '/a/c'],
  ['/a/..', '/'],
  ['/../a', '/a'],
  ['/a/%2e%2e/b', '/b'],
  ['/%61dmin', '/admin'],
  ['/a%20b', '/a%20b'],
  ['/a\\b', '/a/b'],
  ['/a?x=//..%2f', '/a?x=//..%2f'],
  ['/a%2Fb', undefined],
  ['/a%5cb', undefined],
])('%s becomes %s', (path, normalized) => {
  expect(normalizedPath(path)).toBe(normalized);
});
