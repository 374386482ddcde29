import { describe, expect, test } from 'vitest';
import type { AuthzOperation, AuthzPolicy, AuthzRequest, AuthzRule, AuthzSource, Clause } from '#model/authz.ts';
import type { StringMatch } from '#model/match.ts';
import { decide, explainDecision } from './reference.ts';

const HTTP = { protocol: 'http' } as const;
const NOTHING: Clause<never> = { any: [], none: [] };

const REQUEST: AuthzRequest = {
  principal: 'spiffe://cluster.local/ns/foo/sa/alice',
  sourceIp: '10.0.0.1',
  destinationIp: '10.96.0.10',
  destinationPort: 9080,
  host: 'reviews:9080',
  method: 'GET',
  path: '/admin?x',
  headers: [],
};

const exact = (value: string): StringMatch => ({ kind: 'exact', value });
const prefix = (value: string): StringMatch => ({ kind: 'prefix', value });
const any = <T>(...values: T[]): Clause<T> => ({ any: values, none: [] });
const none = <T>(...values: T[]): Clause<T> => ({ any: [], none: values });
const from = (source: Partial<AuthzSource>): AuthzRule => rule({ from: [sourceOf(source)] });
const to = (operation: Partial<AuthzOperation>): AuthzRule => rule({ to: [operationOf(operation)] });
const header = (name: string, values: Clause<StringMatch>): AuthzRule =>
  rule({ when: [{ key: 'header', header: name, values }] });
const rule = (parts: Partial<AuthzRule>): AuthzRule => ({ from: [], to: [], when: [], ...parts });
const sourceOf = (source: Partial<AuthzSource>): AuthzSource => ({
  principals: NOTHING,
  namespaces: NOTHING,
  ipBlocks: NOTHING,
  ...source,
});
const operationOf = (operation: Partial<AuthzOperation>): AuthzOperation => ({
  hosts: NOTHING,
  methods: NOTHING,
  paths: NOTHING,
  ports: NOTHING,
  ...operation,
});
const policy = (action: 'ALLOW' | 'DENY', ...rules: AuthzRule[]): AuthzPolicy => ({
  namespace: 'foo',
  name: action.toLowerCase(),
  action,
  rules,
});
const allows = (policies: readonly AuthzPolicy[], request: Partial<AuthzRequest> = {}): boolean =>
  decide({ policies }, { ...REQUEST, ...request }, HTTP).allowed;
const anonymous = (): AuthzRequest => {
  const { principal: _, ...rest } = REQUEST;
  return rest;
};

describe('the order of things', () => {
  test('no policies allow, a closed set denies', () => {
    expect(allows([])).toBe(true);
    expect(decide({ policies: [], closed: 'because' }, REQUEST, HTTP)).toEqual({ allowed: false });
  });

  test('an ALLOW policy without rules denies everything, an empty rule holds for everything', () => {
    expect(allows([policy('ALLOW')])).toBe(false);
    expect(allows([policy('ALLOW', rule({}))])).toBe(true);
    expect(allows([policy('DENY')])).toBe(true);
  });

  test('DENY comes first and names its rule', () => {
    const set = { policies: [policy('DENY', to({ methods: any(exact('PUT')) }), rule({})), policy('ALLOW', rule({}))] };
    expect(decide(set, REQUEST, HTTP)).toEqual({ allowed: false, policy: { namespace: 'foo', name: 'deny', rule: 1 } });
  });

  test('from, to and when must all hold; of a list any; of an alternative every clause', () => {
    const strangers = sourceOf({ principals: any(exact('spiffe://x')) });
    const alice = sourceOf({
      principals: any(prefix('spiffe://cluster.local/ns/foo/')),
      namespaces: any(exact('foo')),
    });
    const get = operationOf({ methods: any(exact('GET')) });
    expect(allows([policy('ALLOW', rule({ from: [strangers, alice], to: [get] }))])).toBe(true);
    expect(allows([policy('ALLOW', rule({ from: [strangers], to: [get] }))])).toBe(false);
    expect(allows([policy('ALLOW', rule({ from: [alice], to: [get] }))], { method: 'PUT' })).toBe(false);
  });
});

describe('values', () => {
  test('hosts ignore case, methods do not; the query is no part of the path', () => {
    expect(allows([policy('DENY', to({ hosts: any(exact('REVIEWS:9080')) }))])).toBe(false);
    expect(allows([policy('DENY', to({ methods: any(exact('get')) }))])).toBe(true);
    expect(allows([policy('DENY', to({ paths: any(exact('/admin')) }))])).toBe(false);
  });

  // A8, A9: every line is a value of its own, in any order; one line is never split.
  test.each([['guest', 'admin'] as const, ['admin', 'guest'] as const])('repeated headers %s, %s', (...lines) => {
    const headers = lines.map((value) => ['x-role', value] as const);
    expect(allows([policy('DENY', header('X-Role', any(exact('admin'))))], { headers })).toBe(false);
    expect(allows([policy('DENY', header('x-role', any(exact('guest'))))], { headers })).toBe(false);
    expect(allows([policy('DENY', header('x-role', none(exact('guest'))))], { headers })).toBe(true);
    expect(
      allows([policy('DENY', header('x-role', any(exact('admin'))))], { headers: [['x-role', 'guest,admin']] }),
    ).toBe(true);
  });

  // A10: presence means a value that is not empty.
  test('present but empty', () => {
    const headers = [['x-role', ''] as const];
    expect(allows([policy('ALLOW', header('x-role', any({ kind: 'present' })))], { headers })).toBe(false);
    expect(allows([policy('ALLOW', header('x-role', none({ kind: 'present' })))], { headers })).toBe(true);
  });

  // A11: a `not` holds for what is absent.
  test('no identity', () => {
    const deny = policy('DENY', from({ principals: none(exact('spiffe://cluster.local/ns/foo/sa/alice')) }));
    expect(decide({ policies: [deny] }, anonymous(), HTTP).allowed).toBe(false);
    expect(
      decide({ policies: [policy('ALLOW', from({ principals: any({ kind: 'present' }) }))] }, anonymous(), HTTP)
        .allowed,
    ).toBe(false);
  });

  // A14: a dot is a dot. A15: of several namespaces only the first grants, and every one refuses.
  test('namespaces', () => {
    const of = (name: string) => from({ namespaces: any(exact(name)) });
    expect(allows([policy('ALLOW', of('a.b'))], { principal: 'spiffe://td/ns/axb/sa/x' })).toBe(false);
    const principal = 'spiffe://td/ns/evil/sa/x/ns/team-a/sa/y';
    expect(allows([policy('ALLOW', of('team-a'))], { principal })).toBe(false);
    expect(allows([policy('ALLOW', of('evil'))], { principal })).toBe(true);
    expect(allows([policy('DENY', of('team-a'))], { principal })).toBe(false);
    expect(allows([policy('ALLOW', from({ namespaces: none(exact('team-a')) }))], { principal })).toBe(false);
  });

  // A27, as stock Envoy 1.40 answered for the same templates and paths.
  test.each([
    ['/{*}', '/x', true],
    ['/{*}', '/', false],
    ['/{*}', '/x/', false],
    ['/{*}', '/a=b', true],
    ['/{*}', '/*', true],
    ['/{*}', '/a|b', false],
    ['/x/{*}', '/x/%2f', true],
    ['/x/{**}', '/x', false],
    ['/x/{**}', '/x/', true],
    ['/x/{**}', '/x/a/b', true],
    ['/x/{**}/y', '/x/y', false],
    ['/x/{**}/y', '/x//y', true],
    ['/x/{**}/y', '/x/a/y/y', true],
    ['/x/{*}/{**}', '/x/a', false],
    ['/x/{*}/{**}', '/x/a/', true],
  ])('template %s and %s: %s', (value, path, matches) => {
    expect(allows([policy('DENY', to({ paths: any({ kind: 'template', value }) }))], { path })).toBe(!matches);
  });

  test('address blocks contain their own family only', () => {
    const block = (address: string, length: number) => from({ ipBlocks: any({ address, length }) });
    expect(allows([policy('ALLOW', block('10.0.0.0', 31))])).toBe(true);
    expect(allows([policy('ALLOW', block('10.0.0.0', 32))])).toBe(false);
    expect(allows([policy('ALLOW', block('::', 0))])).toBe(false);
    expect(allows([policy('ALLOW', block('10.0.0.0', 8))], { sourceIp: '::ffff:10.0.0.1' })).toBe(true);
  });
});

describe('on a TCP port', () => {
  const tcp = { protocol: 'tcp' } as const;

  test('what only HTTP has narrows ALLOW and widens DENY', () => {
    const paths = to({ paths: any(exact('/other')) });
    expect(decide({ policies: [policy('ALLOW', paths)] }, REQUEST, tcp).allowed).toBe(false);
    expect(decide({ policies: [policy('DENY', paths)] }, REQUEST, tcp).allowed).toBe(false);
  });
});

describe('explainDecision', () => {
  test('names the rule that misses least, and what', () => {
    const far = rule({
      from: [sourceOf({ principals: any(exact('spiffe://x')) })],
      to: [operationOf({ methods: any(exact('PUT')) })],
    });
    const near = rule({
      from: [sourceOf({ namespaces: any(exact('foo')) })],
      to: [operationOf({ methods: any(exact('PUT')), paths: any(exact('/admin')) })],
    });
    expect(explainDecision({ policies: [policy('ALLOW', far, near)] }, REQUEST, HTTP)).toEqual({
      decision: { allowed: false },
      nearest: { namespace: 'foo', name: 'allow', rule: 1, missed: ['to[0].methods'] },
    });
  });

  test('has no nearest rule for what a DENY rule decided', () => {
    const { decision, nearest } = explainDecision(
      { policies: [policy('DENY', rule({})), policy('ALLOW', rule({}))] },
      REQUEST,
      HTTP,
    );
    expect(decision.policy?.name).toBe('deny');
    expect(nearest).toBeUndefined();
  });
});

describe('policies of routes', () => {
  const admin: AuthzPolicy = {
    namespace: 'foo',
    name: 'admin',
    action: 'ALLOW',
    rules: [from({ principals: any(exact('spiffe://cluster.local/ns/ops/sa/admin')) })],
    routes: ['foo.r.admin'],
  };
  const on = (route: string | undefined, principal = REQUEST.principal!): AuthzRequest => ({
    ...REQUEST,
    principal,
    ...(route === undefined ? {} : { route }),
  });

  test('are about their routes, and leave others as they are', () => {
    const set = { policies: [admin] };
    expect(decide(set, on('foo.r.admin'), HTTP)).toEqual({ allowed: false });
    expect(decide(set, on('foo.r.admin', 'spiffe://cluster.local/ns/ops/sa/admin'), HTTP).allowed).toBe(true);
    expect(decide(set, on('foo.r.1'), HTTP)).toEqual({ allowed: true });
    expect(decide(set, on(undefined), HTTP)).toEqual({ allowed: true });
    expect(explainDecision(set, on('foo.r.admin'), HTTP).nearest?.name).toBe('admin');
  });

  test('allow no connection, which could carry requests of any route, and deny it what they deny', () => {
    const tcp = { protocol: 'tcp' } as const;
    expect(decide({ policies: [admin] }, on(undefined, 'spiffe://cluster.local/ns/ops/sa/admin'), tcp)).toEqual({
      allowed: false,
    });
    const deny: AuthzPolicy = { ...admin, action: 'DENY', rules: [rule({})] };
    expect(decide({ policies: [deny] }, on(undefined), tcp).allowed).toBe(false);
    expect(decide({ policies: [deny] }, on('foo.r.1'), HTTP).allowed).toBe(true);
  });
});
