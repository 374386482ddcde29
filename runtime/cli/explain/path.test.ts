import { expect, it } from 'vitest';
import { PATH_NORMALIZATIONS, type PathNormalization } from '#model/path-normalization.ts';
import { normalizedPath } from './path.ts';

/** The same by all but NONE, which leaves every path as it is. */
it.each([
  ['/a/b', '/a/b'],
  ['/', '/'],
  ['/a/./b/../c', '/a/c'],
  ['/a/..', '/'],
  ['/../a', '/a'],
  ['/a/%2e%2e/b', '/b'],
  ['/%61dmin', '/admin'],
  ['/a%20b', '/a%20b'],
  ['/a\\b', '/a/b'],
  ['/a?x=//..%2f', '/a?x=//..%2f'],
])('%s becomes %s', (path, normalized) => {
  for (const how of PATH_NORMALIZATIONS) expect(normalizedPath(path, how)).toBe(how === 'NONE' ? path : normalized);
});

// What Envoy 1.40 makes of these is asked of Envoy itself in test/envoy/normalization.test.ts.
it.each<[PathNormalization, string, string | undefined]>([
  ['BASE', '/a//b///c', '/a//b///c'],
  ['MERGE_SLASHES', '/a//b///c', '/a/b/c'],
  ['STRICT', '/a//b///c', '/a/b/c'],
  ['BASE', '/a%2Fb', '/a%2Fb'],
  ['MERGE_SLASHES', '/a%5cb', '/a%5cb'],
  ['DECODE_AND_MERGE_SLASHES', '/a%2Fb', '/a/b'],
  ['DECODE_AND_MERGE_SLASHES', '/a%5c%2fb', '/a/b'],
  ['DECODE_AND_MERGE_SLASHES', '/a%2f..%2fb', '/b'],
  ['STRICT', '/a%2Fb', undefined],
  ['STRICT', '/a%5cb', undefined],
])('%s makes of %s: %s', (how, path, normalized) => {
  expect(normalizedPath(path, how)).toBe(normalized);
});
