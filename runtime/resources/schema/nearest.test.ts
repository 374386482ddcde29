import { expect, it } from 'vitest';
import { nearest } from './nearest.ts';

it.each([
  ['backendRef', 'backendRefs'],
  ['BackendRefs', 'backendRefs'],
  ['mtaches', 'matches'],
  ['fitlers', 'filters'],
  ['timeout', 'timeouts'],
  ['foo', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('%s is %s', (name, meant) => {
  expect(nearest(name, ['matches', 'filters', 'backendRefs', 'timeouts'])).toBe(meant);
});
