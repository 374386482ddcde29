import { describe, expect, it } from 'vitest';
import type { AuthzPolicy, AuthzRequest, AuthzRule } from '#model/authz.ts';
import type { StringMatch } from '#model/match.ts';
import { TOKEN_FILTER, TOKEN_PAYLOAD, type MetadataValue } from '#model/metadata.ts';
import type { ServicePort } from '#model/waypoint.ts';
import { missText } from './miss.ts';
import { judge } from './verdict.ts';

const exact = (...values: string[]): { any: readonly StringMatch[]; none: readonly StringMatch[] } => ({
  any: values.map((value) => ({ kind: 'exact', value })),
  none: [],
});
const nothing = { any: [], none: [] };
const operation = { hosts: nothing, methods: nothing, paths: nothing, ports: nothing };
const source = { principals: nothing, namespaces: nothing, ipBlocks: nothing };

const rule = (methods: readonly string[], principals: readonly string[]): AuthzRule => ({
  from: [{ ...source, principals: exact(...principals) }],
  to: [{ ...operation, methods: exact(...methods) }],
  when: [],
});
const web = 'spiffe://cluster.local/ns/app/sa/web';
const allow: AuthzPolicy = {
  namespace: 'app',
  name: 'allow',
  action: 'ALLOW',
  rules: [rule(['PUT'], [web]), rule(['GET'], [web])],
};
const deny: AuthzPolicy = {
  namespace: 'app',
  name: 'no-admin',
  action: 'DENY',
  rules: [
    { from: [], to: [{ ...operation, paths: { any: [{ kind: 'prefix', value: '/admin' }], none: [] } }], when: [] },
  ],
};

const port = (authz: ServicePort['authz']): ServicePort => ({
  service: { namespace: 'app', name: 'reviews', host: 'reviews.app.svc.cluster.local' },
  port: 9080,
  addresses: ['10.96.0.10'],
  protocol: 'http',
  backend: '',
  routes: [],
  authz,
});

const request = (changes: Partial<AuthzRequest> = {}): AuthzRequest => ({
  principal: web,
  sourceIp: '10.0.0.1',
  destinationIp: '10.96.0.10',
  destinationPort: 9080,
  host: 'reviews.app:9080',
  method: 'GET',
  path: '/x?y=1',
  headers: [],
  ...changes,
});

describe('judge asks the filter', () => {
  it('and names the rule that allows', async () => {
    expect(await judge(port({ policies: [deny, allow] }), request())).toEqual({
      allowed: true,
      policies: 2,
      denyPolicies: 1,
      allowPolicies: 1,
      decidedBy: { action: 'ALLOW', namespace: 'app', name: 'allow', rule: 1 },
    });
  });

  it('with the claims of a token', async () => {
    const policy: AuthzPolicy = {
      namespace: 'app',
      name: 'members',
      action: 'ALLOW',
      rules: [{ from: [], to: [], when: [{ key: 'claim', claim: ['groups'], values: exact('admin') }] }],
    };
    const withClaims = (groups: MetadataValue) =>
      request({ metadata: { [TOKEN_FILTER]: { [TOKEN_PAYLOAD]: { iss: 'i', sub: 's', groups } } } });
    expect(await judge(port({ policies: [policy] }), withClaims(['x', 'admin']))).toMatchObject({ allowed: true });
    expect(await judge(port({ policies: [policy] }), withClaims({ admin: 1 }))).toMatchObject({
      allowed: false,
      nearest: { missed: ['when[0] request.auth.claims[groups]: needs "admin", came {"admin":1}'] },
    });
  });

  it('and names the rule that denies, as the access log will', async () => {
    expect(await judge(port({ policies: [deny, allow] }), request({ path: '/admin/x' }))).toMatchObject({
      allowed: false,
      decidedBy: { action: 'DENY', name: 'no-admin', rule: 0 },
      details: expect.stringContaining('no-admin') as string,
    });
  });

  it('and names the rule that would nearly have allowed, with what came', async () => {
    const verdict = await judge(port({ policies: [allow] }), request({ method: 'POST' }));
    expect(verdict).toMatchObject({
      allowed: false,
      nearest: { name: 'allow', rule: 0, missed: ['to[0].methods: needs "PUT", came "POST"'] },
    });
    expect(verdict.decidedBy).toBeUndefined();
  });

  it('and names who is asked before, and for which rule', async () => {
    const rules = [rule(['PUT'], [web]), { from: [], to: deny.rules[0]!.to, when: [] }];
    const ask = { namespace: 'app', name: 'ask', action: 'CUSTOM', provider: 'opa', rules } as const;
    const verdict = await judge(port({ policies: [ask, allow] }), request({ path: '/admin' }));
    expect(verdict).toMatchObject({
      allowed: true,
      asked: [{ provider: 'opa', policy: { namespace: 'app', name: 'ask', rule: 1 } }],
    });
    expect(await judge(port({ policies: [ask, allow] }), request())).not.toHaveProperty('asked');
  });

  it('allows where there is no policy, and nothing where one is closed', async () => {
    expect(await judge(port({ policies: [] }), request())).toMatchObject({ allowed: true, policies: 0 });
    const closed = await judge(port({ policies: [], closed: 'app/x uses CUSTOM' }), request());
    expect(closed).toMatchObject({ allowed: false, closed: 'app/x uses CUSTOM' });
  });

  it('denies a caller without an identity what needs one', async () => {
    const { principal: _, ...anonymous } = request();
    expect(await judge(port({ policies: [allow] }), anonymous)).toMatchObject({
      allowed: false,
      nearest: { missed: expect.arrayContaining([`from[0].principals: needs "${web}", came none`]) as string[] },
    });
  });
});

describe('missText', () => {
  const whole: AuthzRule = {
    from: [
      {
        principals: nothing,
        namespaces: exact('a', 'b', 'c', 'd'),
        serviceAccounts: exact('app/web'),
        trustDomains: { any: [{ kind: 'prefix', value: 'td' }], none: [] },
        requestPrincipals: {
          any: [
            { issuer: { kind: 'exact', value: 'https://iss' }, subject: { kind: 'present' } },
            { issuer: { kind: 'present' }, subject: { kind: 'suffix', value: '-b' } },
          ],
          none: [],
        },
        remoteIpBlocks: { any: [{ address: '10.2.0.0', length: 16 }], none: [] },
        ipBlocks: { any: [{ address: '10.1.0.0', length: 16 }], none: [] },
      },
    ],
    to: [
      {
        hosts: { any: [{ kind: 'suffix', value: '.app' }], none: [] },
        methods: nothing,
        paths: { any: [], none: [{ kind: 'prefix', value: '/admin' }] },
        ports: { any: [80, 81], none: [] },
      },
    ],
    when: [
      { key: 'header', header: 'X-User', values: { any: [{ kind: 'present' }], none: [] } },
      { key: 'destinationPort', values: { any: [1], none: [] } },
      { key: 'claim', claim: ['realm', 'roles'], values: exact('admin') },
      {
        key: 'metadata',
        filter: 'envoy.filters.x',
        name: 'k',
        values: { any: [{ list: true, match: { kind: 'exact', value: 'v' } }], none: [] },
      },
      { key: 'sni', values: exact('a.b') },
      {
        key: 'requestPrincipal',
        values: { any: [{ issuer: { kind: 'present' }, subject: { kind: 'present' } }], none: [] },
      },
      { key: 'remoteIp', values: { any: [{ address: '10.2.0.0', length: 16 }], none: [] } },
    ],
  };
  it.each([
    ['from[0].namespaces', `needs one of "a", "b", "c" and 1 more, came "${web}"`],
    ['from[0].ipBlocks', 'needs 10.1.0.0/16, came 10.0.0.1'],
    ['to[0].hosts', 'needs "*.app", came "reviews.app:9080"'],
    ['to[0].paths', 'not "/admin*", came "/admin/x"'],
    ['to[0].ports', 'needs one of 80, 81, came 9080'],
    ['when[0] request.headers[X-User]', 'needs any value, came none'],
    ['when[1] destination.port', 'needs 1, came 9080'],
    ['from[0].serviceAccounts', `needs "app/web", came "${web}"`],
    ['from[0].trustDomains', `needs "td*", came "${web}"`],
    ['from[0].requestPrincipals', 'needs one of "https://iss/*", "*-b", came "iss/me"'],
    ['from[0].remoteIpBlocks', 'needs 10.2.0.0/16, came 10.0.0.1'],
    ['when[2] request.auth.claims[realm][roles]', 'needs "admin", came 7'],
    ['when[3] experimental.envoy.filters.x[k]', 'needs ["v"], came "v"'],
    ['when[4] connection.sni', 'needs "a.b", came none'],
    ['when[5] request.auth.principal', 'needs any token, came "iss/me"'],
    ['when[6] remote.ip', 'needs 10.2.0.0/16, came 10.0.0.1'],
  ])('%s', (field, text) => {
    const metadata = {
      [TOKEN_FILTER]: { [TOKEN_PAYLOAD]: { iss: 'iss', sub: 'me', realm: { roles: 7 } } },
      'envoy.filters.x': { k: 'v' },
    };
    expect(missText(whole, field, request({ path: '/admin/x?q', metadata }))).toBe(`${field}: ${text}`);
  });

  it('shows every line of a repeated header', () => {
    const headers = [
      ['x-user', 'a'],
      ['x-user', ''],
    ] as const;
    expect(missText(whole, 'when[0] request.headers[X-User]', request({ headers }))).toContain('came "a", ""');
  });

  it('gives a field that it does not know as it is', () => {
    expect(missText(whole, 'to[7].hosts', request())).toBe('to[7].hosts');
  });
});
