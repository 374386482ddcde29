import { expect, it } from 'vitest';
import { claimPath } from './routing-claim.ts';

it.each([
  ['@request.auth.claims.group', ['group']],
  ['@request.auth.claims.a.b', ['a', 'b']],
  ['@Request.Auth.Claims.Group', ['Group']],
  ['@request.auth.claims[a.b][c]', ['a.b', 'c']],
  ['@request.auth.claims', undefined],
  ['@request.auth.claims.', undefined],
  ['@request.auth.claims..a', undefined],
  ['@request.auth.claims[]', undefined],
  ['@request.auth.claims[a]b', undefined],
  ['@request.auth.claimsx', undefined],
  ['x-group', undefined],
])('reads %s', (name, path) => {
  expect(claimPath(name)).toEqual(path);
});
