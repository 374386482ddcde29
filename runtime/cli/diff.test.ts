import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { capture } from './capture.ts';
import { main } from './main.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-diff-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const MESH = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec: {gatewayClassName: portolan, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/use-waypoint: waypoint}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80}]}
`;

const policy = (name: string, action: string, rules: string): string => `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: shop}
spec:
  targetRefs: [{kind: Service, group: "", name: web}]
  action: ${action}
  rules: ${rules}
`;

const READERS = policy(
  'read',
  'ALLOW',
  '[{from: [{source: {principals: [cluster.local/ns/shop/sa/a]}}], to: [{operation: {methods: [GET], paths: ["/api/*"]}}]}]',
);

async function run(...argv: readonly string[]): Promise<{ exit: number; out: string; err: string }> {
  const screen = capture('', { PORTOLAN_STATE: join(folder, 'state') });
  const exit = await main(argv, screen.terminal);
  const plain = (text: string): string => text.replaceAll(`${folder}/`, '');
  return { exit, out: plain(screen.out()), err: plain(screen.err()) };
}

async function diff(before: string, after: string, ...more: readonly string[]) {
  await writeFile(join(folder, 'a.yaml'), MESH + before);
  await writeFile(join(folder, 'b.yaml'), MESH + after);
  return await run('diff', join(folder, 'a.yaml'), join(folder, 'b.yaml'), ...more);
}

describe('diff', () => {
  it('says that nothing is decided differently, however it is written', async () => {
    const split = READERS.replace('["/api/*"]', '["/api/*", "/api/v1/{*}"]');
    expect(await diff(READERS, split)).toEqual({
      exit: 0,
      out: '1 service port compared: every request is decided alike.\n',
      err: '',
    });
  });

  it('shows what is newly allowed and newly denied, by which rules, and how to ask more', async () => {
    const wider = READERS.replace('[GET]', '[GET, POST]').replace('/api/*', '/api/v1/*');
    const deny = policy('debug', 'DENY', '[{when: [{key: "request.headers[x-debug]", values: ["*"]}]}]');
    const { exit, out } = await diff(READERS, wider + deny);
    expect(exit).toBe(1);
    expect(out).toMatchInlineSnapshot(`
      "web.shop.svc.cluster.local:80  waypoint shop/waypoint
        newly allowed
        + POST http://web.shop:80/api/v1/ as shop/a
            before  DENY, no rule allows it; nearest shop/read rule[0] misses to[0].methods: needs "GET", came "POST"
            after   ALLOW shop/read rule[0]
            portolan explain -f b.yaml --as shop/a POST http://web.shop:80/api/v1/
        newly denied
        - GET http://web.shop:80/api/ as shop/a
            before  ALLOW shop/read rule[0]
            after   DENY, no rule allows it; nearest shop/read rule[0] misses to[0].paths: needs "/api/v1/*", came "/api/"
            portolan explain -f b.yaml --as shop/a GET http://web.shop:80/api/
        - GET http://web.shop:80/api/v1/ with x-debug: x as shop/a
            before  ALLOW shop/read rule[0]
            after   DENY shop/debug rule[0]
            portolan explain -f b.yaml --as shop/a GET http://web.shop:80/api/v1/ -H 'x-debug: x'

      1 service port compared: 1 differs, 1 newly allowed, 2 newly denied.
      "
    `);
  });

  it.each([
    ['identities', READERS, READERS.replace('/sa/a', '/sa/b')],
    [
      'principals of tokens',
      policy('token', 'ALLOW', '[{from: [{source: {requestPrincipals: ["https://i/a"]}}]}]'),
      policy('token', 'ALLOW', '[{from: [{source: {requestPrincipals: ["https://i/b"]}}]}]'),
    ],
    [
      'claims',
      policy('token', 'ALLOW', '[{when: [{key: "request.auth.claims[groups]", values: [a], notValues: [c]}]}]'),
      policy('token', 'ALLOW', '[{when: [{key: "request.auth.claims[realm][roles]", values: [a]}]}]'),
    ],
    [
      'scopes',
      policy('token', 'ALLOW', '[{when: [{key: "request.auth.claims[scope]", values: [a]}]}]'),
      policy('token', 'ALLOW', '[{when: [{key: "request.auth.claims[scope]", values: [b]}]}]'),
    ],
    [
      'accounts and addresses',
      policy('account', 'ALLOW', '[{from: [{source: {serviceAccounts: [a]}}]}]'),
      policy('account', 'ALLOW', '[{from: [{source: {serviceAccounts: [other/a], remoteIpBlocks: [10.0.0.0/8]}}]}]'),
    ],
  ])('has examples that explain confirms: %s', async (_, before, after) => {
    const { out } = await diff(before, after, '--json');
    const { ports, summary } = JSON.parse(out) as {
      ports: { newlyDenied: { explain: string }[]; newlyAllowed: { explain: string }[]; limits: string[] }[];
      summary: object;
    };
    expect(summary).toEqual({ ports: 1, newlyAllowed: 1, newlyDenied: 1 });
    expect(ports[0]!.limits).toEqual([]);
    for (const [list, expected] of [
      [ports[0]!.newlyAllowed, 'allow'],
      [ports[0]!.newlyDenied, 'deny'],
    ] as const) {
      for (const { explain } of list) {
        const words = explain
          .split(' ')
          .slice(1)
          .map((word) => (word === 'b.yaml' ? join(folder, word) : word.replaceAll("'", '')));
        expect((await run(...words, '--expect', expected)).exit).toBe(0);
      }
    }
  });

  it('shows the claims of a token', async () => {
    const either = policy('token', 'ALLOW', '[{when: [{key: "request.auth.claims[groups]", values: [a, b]}]}]');
    const both = policy(
      'token',
      'ALLOW',
      '[{when: [{key: "request.auth.claims[groups]", values: [a]}, {key: "request.auth.claims[groups]", values: [b]}, {key: request.auth.principal, values: ["*"]}]}]',
    );
    const { out } = await diff(both, both.replace('{key: request.auth.principal, values: ["*"]}', '') + either);
    expect(out).toMatchInlineSnapshot(`
      "web.shop.svc.cluster.local:80  waypoint shop/waypoint
        newly allowed
        + GET http://web.shop:80/ with claims {"groups":["a","b"]} as default/default
            before  DENY, no rule allows it; nearest shop/token rule[0] misses when[2] request.auth.principal: needs any token, came none
            after   ALLOW shop/token rule[0]
            portolan explain -f b.yaml --as default/default GET http://web.shop:80/ --claims '{"groups":["a","b"]}'

      1 service port compared: 1 differs, 1 newly allowed, 0 newly denied.
      "
    `);
  });

  it('shows the SNI, for which explain cannot be asked', async () => {
    const sni = policy('sni', 'DENY', '[{when: [{key: connection.sni, values: ["*.shop"], notValues: ["a.shop"]}]}]');
    const { out } = await diff('', sni);
    expect(out).toMatchInlineSnapshot(`
      "web.shop.svc.cluster.local:80  waypoint shop/waypoint
        newly denied
        - GET http://web.shop:80/ as default/default for SNI .shop
            before  ALLOW, no ALLOW policy
            after   DENY shop/sni rule[0]

      1 service port compared: 1 differs, 0 newly allowed, 1 newly denied.
      "
    `);
  });

  it('says so where a claim cannot both hold a text and hold others', async () => {
    const rule = (text: string): string =>
      policy('token', 'ALLOW', `[{when: [{key: "request.auth.claims[a]", values: [x]}${text}]}]`);
    const { out } = await diff(
      policy('token', 'ALLOW', '[]'),
      rule(', {key: "request.auth.claims[a][b]", values: [k]}'),
    );
    expect(out).not.toContain('decided alike');
    expect(out).toContain('there may be more: an example did not stand the test of the reference evaluator');
  });

  it('names what one side alone has', async () => {
    const { exit, out } = await diff(
      '',
      MESH.slice(MESH.indexOf('---')).replaceAll('web', 'api').replace('0.1,', '0.2,'),
    );
    expect(exit).toBe(1);
    expect(out).toContain('+ api.shop.svc.cluster.local:80 is behind a waypoint in b.yaml only\n');
  });

  it('says so when the budget does not suffice', async () => {
    const { exit, out } = await diff(READERS, READERS.replace('/sa/a', '/sa/b'), '--budget', '1');
    expect(exit).toBe(1);
    expect(out).toContain('there may be more: the budget of 1 steps is spent');
    const open = policy('open', 'ALLOW', '[{}, {to: [{operation: {methods: [GET]}}]}]');
    expect(
      (await diff(open, policy('open', 'ALLOW', '[{}, {to: [{operation: {methods: [PUT]}}]}]'), '--budget', '1')).exit,
    ).toBe(2);
  });

  describe('of policies of routes', () => {
    const route = (path: string) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: pages, namespace: shop}
spec:
  parentRefs: [{kind: Service, group: "", name: web}]
  rules:
    - {matches: [{path: {value: ${path}}}], backendRefs: [{name: web, port: 80}]}
    - {name: rest, backendRefs: [{name: web, port: 80}]}
`;
    const ofRest = (action: string, rules: string) =>
      policy('rest', action, rules).replace(
        '{kind: Service, group: "", name: web}',
        '{kind: HTTPRoute, group: gateway.networking.k8s.io, name: pages, sectionName: rest}',
      );
    const byPost = '[{to: [{operation: {methods: [POST]}}]}]';

    it('says that they are not analysed, and shows nothing that would not happen', async () => {
      const deny = policy('deny', 'DENY', byPost);
      const same = await diff(route('/a') + ofRest('DENY', byPost), route('/a') + ofRest('DENY', byPost));
      expect(same.exit).toBe(0);
      const other = await diff(route('/a') + ofRest('ALLOW', byPost), route('/a'));
      expect(other.exit).toBe(2);
      expect(other.out).toContain('shop/rest rule[0] is about some routes only, and so not analysed');
      // On that route every POST is denied before and after; where else there is one is not looked for.
      const both = await diff(route('/a') + ofRest('DENY', byPost) + deny, route('/a') + ofRest('DENY', byPost));
      expect(both.out).not.toContain('newly allowed\n');
      expect(both.out).toContain('shop/rest rule[0] is about some routes only, and so not analysed');
      const moved = await diff(route('/a') + ofRest('DENY', byPost), route('/b') + ofRest('DENY', byPost));
      expect(moved.out).toContain('about some routes only');
    });

    it('warns of no rule because of another that is about some routes only', async () => {
      await writeFile(
        join(folder, 'a.yaml'),
        MESH + route('/a') + ofRest('DENY', '[{}]') + policy('all', 'ALLOW', byPost),
      );
      const { out } = await run('check', join(folder, 'a.yaml'), '-o', 'short');
      expect(out).not.toMatch(/PTL133/);
    });
  });

  it('wants two things', async () => {
    expect((await run('diff', 'a')).exit).toBe(64);
    expect((await run('diff', '-', '-')).exit).toBe(64);
    expect((await run('diff', join(folder, 'none'), '-')).exit).toBe(65);
  });
});

describe('check', () => {
  it('tells of rules that can do nothing, and of no others', async () => {
    const rules = [
      '{from: [{source: {principals: [cluster.local/ns/shop/sa/a]}}], to: [{operation: {methods: [GET, post], paths: ["/api/*", "//x"]}}]}',
      '{from: [{source: {principals: [cluster.local/ns/shop/sa/a], namespaces: [other]}}]}',
      '{from: [{source: {principals: [cluster.local/ns/shop/sa/a]}}], to: [{operation: {methods: [GET], paths: ["/api/v1/{*}"]}}]}',
      '{from: [{source: {principals: [other.domain/ns/shop/sa/a]}}]}',
      '{to: [{operation: {paths: ["/admin/x"]}}]}',
      '{to: [{operation: {ports: ["8080"]}}]}',
      '{when: [{key: "request.headers[x-a]", values: [a], notValues: ["a*"]}]}',
      '{from: [{source: {namespaces: ["te*"]}}, {source: {namespaces: [team], notNamespaces: [team]}}]}',
    ];
    const deny = policy('deny', 'DENY', '[{to: [{operation: {paths: ["/admin/*"]}}]}]');
    const only = policy('only', 'ALLOW', '[{to: [{operation: {paths: ["/a/../b"]}}]}]');
    await writeFile(join(folder, 'a.yaml'), MESH + policy('allow', 'ALLOW', `[${rules.join(', ')}]`) + deny + only);
    const { out } = await run('check', join(folder, 'a.yaml'), '-o', 'short');
    const lines = out.split('\n').filter((line) => line.includes(' PTL133'));
    expect(lines.map((line) => line.slice(line.indexOf('PTL')))).toMatchInlineSnapshot(`
      [
        "PTL1335: method "post" is not POST: methods are compared as they are written",
        "PTL1330: "//x" in AuthorizationPolicy allow rule[0] comes in no request",
        "PTL1332: AuthorizationPolicy allow rule[1] matches no request: from[0].source.principals and from[0].source.namespaces exclude each other",
        "PTL1333: AuthorizationPolicy allow rule[2] decides nothing by itself: every request that it matches is allowed by shop/allow rule[0] as well",
        "PTL1332: AuthorizationPolicy allow rule[3] matches no request: no request has what from[0].source.principals asks for",
        "PTL1334: AuthorizationPolicy allow rule[4] allows nothing: every request that it matches is denied by shop/deny rule[0]",
        "PTL1332: AuthorizationPolicy allow rule[5] matches no request: no request has what to[0].operation.ports asks for",
        "PTL1332: AuthorizationPolicy allow rule[6] matches no request: when[0].values and when[0].notValues exclude each other",
        "PTL1331: a part of AuthorizationPolicy allow rule[7] matches no request: from[1].source.namespaces and from[1].source.notNamespaces exclude each other",
        "PTL1336: ALLOW policy only allows nothing: none of its rules does",
        "PTL1332: AuthorizationPolicy only rule[0] matches no request: no request has what to[0].operation.paths asks for",
      ]
    `);
    expect(lines.every((line) => /^a\.yaml:\d+:\d+: warning/.test(line))).toBe(true);
  });

  it('tells of accounts, trust domains and tokens that rules ask for in vain', async () => {
    const rules = [
      '{from: [{source: {serviceAccounts: [team/a]}}]}',
      '{from: [{source: {principals: ["cluster.local/ns/team/sa/a"], trustDomains: ["cluster.*"]}}]}',
      '{from: [{source: {serviceAccounts: [team/b]}}], when: [{key: source.namespace, values: [other]}]}',
      '{from: [{source: {trustDomains: [elsewhere]}}]}',
      '{from: [{source: {requestPrincipals: ["https://i/*"], notRequestPrincipals: ["https://i/*"]}}]}',
      '{from: [{source: {requestPrincipals: ["https://i/a"]}}], when: [{key: "request.auth.claims[iss]", values: [j]}]}',
      '{from: [{source: {ipBlocks: [10.0.0.0/8], remoteIpBlocks: [11.0.0.0/8]}}]}',
      '{when: [{key: connection.sni, values: [a]}, {key: connection.sni, values: [b]}]}',
      // Of a list each text counts.
      '{when: [{key: "request.auth.claims[g]", values: [a]}, {key: "request.auth.claims[g]", values: [b]}]}',
      '{when: [{key: "request.auth.claims[g]", values: ["*"], notValues: ["a*"]}]}',
      '{when: [{key: "experimental.envoy.filters.x[y]", values: [a]}, {key: "experimental.envoy.filters.x[y]", values: [b]}]}',
    ];
    await writeFile(join(folder, 'a.yaml'), MESH + policy('allow', 'ALLOW', `[${rules.join(', ')}]`));
    const { out } = await run('check', join(folder, 'a.yaml'), '-o', 'short');
    const lines = out.split('\n').filter((line) => line.includes(' PTL133'));
    expect(lines.map((line) => line.slice(line.indexOf('PTL')))).toMatchInlineSnapshot(`
      [
        "PTL1333: AuthorizationPolicy allow rule[1] decides nothing by itself: every request that it matches is allowed by shop/allow rule[0] as well",
        "PTL1332: AuthorizationPolicy allow rule[2] matches no request: from[0].source.serviceAccounts and when[0].values exclude each other",
        "PTL1332: AuthorizationPolicy allow rule[3] matches no request: no request has what from[0].source.trustDomains asks for",
        "PTL1332: AuthorizationPolicy allow rule[4] matches no request: from[0].source.requestPrincipals and from[0].source.notRequestPrincipals exclude each other",
        "PTL1332: AuthorizationPolicy allow rule[5] matches no request: from[0].source.requestPrincipals and when[0].values exclude each other",
        "PTL1332: AuthorizationPolicy allow rule[6] matches no request: from[0].source.ipBlocks and from[0].source.remoteIpBlocks exclude each other",
        "PTL1332: AuthorizationPolicy allow rule[7] matches no request: when[0].values and when[1].values exclude each other",
      ]
    `);
  });

  it('finds no namespace that has a slash in any identity', async () => {
    const none = '{from: [{source: {namespaces: ["a/*"]}}]}';
    const some = '{from: [{source: {principals: [cluster.local/ns/a/sa/x]}}]}';
    await writeFile(join(folder, 'a.yaml'), MESH + policy('deny', 'DENY', `[${none}, ${some}]`));
    const { out } = await run('check', join(folder, 'a.yaml'), '-o', 'short');
    expect(out).toContain('rule[0] matches no request');
    expect(out).not.toContain('PTL1333');
  });

  it('keeps quiet about a rule that is of use at one port, or as TCP', async () => {
    const ports = MESH.replace(
      '{name: http, port: 80}',
      '{name: http, port: 80}, {name: http-b, port: 8080}, {name: db, port: 90, appProtocol: tcp}, {port: 91}',
    ).replace('{port: 91}', '{name: any, port: 91}');
    const rules = [
      '{to: [{operation: {ports: ["8080"]}}]}',
      '{from: [{source: {namespaces: [a]}}], to: [{operation: {methods: [GET]}}]}',
      '{from: [{source: {namespaces: [a]}}], to: [{operation: {ports: ["90", "91"]}}]}',
    ];
    await writeFile(join(folder, 'a.yaml'), ports + policy('allow', 'ALLOW', `[${rules.join(', ')}]`));
    const { out } = await run('check', join(folder, 'a.yaml'), '-o', 'short');
    expect(out).not.toMatch(/PTL133/);
  });
});
