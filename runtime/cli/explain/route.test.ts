import { describe, expect, it } from 'vitest';
import type { Route, RouteMatch } from '#model/route.ts';
import { chooseRoute, misses, type RoutedRequest } from './route.ts';

const none = { set: [], add: [], remove: [] };
const route = (name: string, match: Partial<RouteMatch>): Route => ({
  name,
  match: { path: { kind: 'prefix', value: '/' }, headers: [], query: [], ...match },
  action: { kind: 'respond', status: 200, body: '' },
  requestHeaders: none,
  responseHeaders: none,
});
const request = (changes: Partial<RoutedRequest> = {}): RoutedRequest => ({
  method: 'GET',
  path: '/v2/1?id=7&id=8',
  headers: [['x-user', 'alice']],
  ...changes,
});

describe('chooseRoute', () => {
  it('takes the first that matches, and says what each before it wanted', () => {
    const routes = [
      route('bob', { headers: [{ name: 'X-User', match: { kind: 'exact', value: 'bob' } }] }),
      route('post', { method: 'POST' }),
      route('v2', { path: { kind: 'prefix', value: '/v2' } }),
      route('rest', {}),
    ];
    const choice = chooseRoute(routes, request());
    expect(choice.route?.name).toBe('v2');
    expect(choice.lost.map(({ route: { name }, why }) => `${name}: ${why}`)).toEqual([
      'bob: header X-User exact "bob", came "alice"',
      'post: method POST ≠ GET',
    ]);
  });

  it('has none when none matches', () => {
    expect(chooseRoute([route('post', { method: 'POST' })], request()).route).toBeUndefined();
  });
});

describe('misses', () => {
  const paths: readonly (readonly [RouteMatch['path'], string, boolean])[] = [
    [{ kind: 'prefix', value: '/v2' }, '/v2', true],
    [{ kind: 'prefix', value: '/v2' }, '/v2/', true],
    [{ kind: 'prefix', value: '/v2/' }, '/v2', true],
    [{ kind: 'prefix', value: '/v2' }, '/v20', false],
    [{ kind: 'prefix', value: '/' }, '/anything', true],
    [{ kind: 'rawPrefix', value: '/v2' }, '/v20', true],
    [{ kind: 'exact', value: '/v2' }, '/v2', true],
    [{ kind: 'exact', value: '/v2' }, '/v2/', false],
    [{ kind: 'exact', value: '/v2' }, '/v2?x=1', true],
    [{ kind: 'regex', value: '/v[0-9]' }, '/v2', true],
    [{ kind: 'regex', value: '/v[0-9]' }, '/v22', false],
    [{ kind: 'regex', value: 'a|/v2' }, '/v2', true],
    [{ kind: 'regex', value: '(?i)/V[0-9]' }, '/v2', true],
    [{ kind: 'regex', value: '(' }, '/v2', false],
  ];
  it.each(paths)('path %j of %s: %s', (path, came, matches) => {
    expect(misses(route('r', { path }).match, request({ path: came })) === undefined).toBe(matches);
  });

  it('compares headers as Envoy joins them, and turns inverted ones round', () => {
    const header = (match: RouteMatch['headers'][number]): string | undefined =>
      misses(
        route('r', { headers: [match] }).match,
        request({
          headers: [
            ['x-a', '1'],
            ['x-a', '2'],
          ],
        }),
      );
    expect(header({ name: 'x-a', match: { kind: 'exact', value: '1,2' } })).toBeUndefined();
    expect(header({ name: 'x-a', match: { kind: 'present' } })).toBeUndefined();
    expect(header({ name: 'x-a', match: { kind: 'present' }, invert: true })).toBe(
      'header x-a not present, came "1,2"',
    );
    expect(header({ name: 'x-b', match: { kind: 'prefix', value: 'q' } })).toBe(
      'header x-b prefix "q", which is absent',
    );
    expect(header({ name: 'x-b', match: { kind: 'exact', value: 'q' }, invert: true })).toBeUndefined();
  });

  it('looks at the first value of a query parameter', () => {
    const query = (value: string): string | undefined =>
      misses(route('r', { query: [{ name: 'id', match: { kind: 'exact', value } }] }).match, request());
    expect(query('7')).toBeUndefined();
    expect(query('8')).toBe('query id exact "8", came "7"');
  });
});

describe('a route that asks for claims', () => {
  const match = {
    path: { kind: 'prefix', value: '/' },
    headers: [],
    query: [],
    claims: [{ path: ['a', 'b'], match: { kind: 'exact', value: 'c' } }],
  } as const;
  const request = { method: 'GET', path: '/', headers: [] };

  it('is lost without a token, and says that it depends on one', () => {
    expect(misses(match, request)).toBe('claim a.b exact "c", which only a valid token can have');
    expect(misses({ ...match, claims: [{ ...match.claims[0], invert: true }] }, request)).toBeUndefined();
  });
});
