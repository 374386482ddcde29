import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readItems } from './item.ts';

const policy = (spec: object) => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name: 'p', namespace: 'app' },
  spec,
});

function read(spec: object) {
  const [item] = readItems(policy(spec), false);
  return { state: item?.state, problems: item?.problems.map(({ code, path }) => `${code} ${path}`), item };
}

const rule = (operation: object) => ({ rules: [{ to: [{ operation }] }] });
const source = (fields: object) => ({ rules: [{ from: [{ source: fields }] }] });
const when = (key: string, ...values: readonly string[]) => ({ rules: [{ when: [{ key, values }] }] });
const custom = (spec: object) => ({ action: 'CUSTOM', provider: { name: 'x' }, ...spec });
const targets = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ kind: 'Service', group: '', name: `s${i}` }));

describe('an AuthorizationPolicy', () => {
  it('is read with everything filled in', () => {
    const { item, problems } = read({
      targetRefs: targets(1),
      rules: [{}, { to: [{ operation: { methods: ['GET'] } }] }],
    });
    expect(problems).toEqual([]);
    expect(item).toMatchObject({
      resource: {
        spec: {
          action: 'ALLOW',
          targetRefs: [{ kind: 'Service', group: '', name: 's0' }],
          rules: [
            { from: [], to: [], when: [] },
            { from: [], to: [{ operation: { methods: ['GET'], notMethods: [], paths: [] } }], when: [] },
          ],
        },
      },
    });
    expect(readItems({ ...policy({}), spec: undefined }, false)[0]).toMatchObject({
      resource: { spec: { rules: [] } },
    });
  });

  it.each<[string, object, string]>([
    ['selector and targetRefs', { selector: { matchLabels: { a: 'b' } }, targetRefs: targets(1) }, 'PTL1310 spec'],
    ['17 targets', { targetRefs: targets(17) }, 'PTL1104 spec.targetRefs'],
    [
      'a class in a namespace',
      { targetRef: { group: 'gateway.networking.k8s.io', kind: 'GatewayClass', name: 'x', namespace: 'x' } },
      'PTL1310 spec.targetRef.namespace',
    ],
    [
      'a section of a service',
      { targetRefs: [{ ...targets(1)[0], sectionName: 'x' }] },
      'PTL1310 spec.targetRefs[0].sectionName',
    ],
    ['a target of another kind', { targetRef: { kind: 'HTTPRoute', name: 'x' } }, 'PTL1310 spec.targetRef'],
    ['wildcards in a selector', { selector: { matchLabels: { a: 'b*' } } }, 'PTL1310 spec.selector.matchLabels[a]'],
    ['DENY without rules', { action: 'DENY' }, 'PTL1318 spec.rules'],
    ['a provider without CUSTOM', { provider: { name: 'x' } }, 'PTL1317 spec.provider'],
    ['CUSTOM without a provider', { action: 'CUSTOM', rules: [{}] }, 'PTL1317 spec.provider.name'],
    [
      'CUSTOM with identities',
      custom(source({ principals: ['x'] })),
      'PTL1322 spec.rules[0].from[0].source.principals',
    ],
    [
      'CUSTOM with a condition on identities',
      custom(when('source.namespace', 'x')),
      'PTL1322 spec.rules[0].when[0].key',
    ],
    ['an unknown action', { action: 'Deny' }, 'PTL1104 spec.action'],
    ['an empty from', { rules: [{ from: [] }] }, 'PTL1104 spec.rules[0].from'],
    ['no source', { rules: [{ from: [{}] }] }, 'PTL1105 spec.rules[0].from[0].source'],
    ['an empty source', source({ principals: [] }), 'PTL1311 spec.rules[0].from[0].source'],
    ['an empty operation', rule({}), 'PTL1311 spec.rules[0].to[0].operation'],
    ['an empty value', rule({ hosts: [''] }), 'PTL1104 spec.rules[0].to[0].operation.hosts[0]'],
    [
      'a bad address',
      source({ notIpBlocks: ['10.0.0.0/8', '10.0.0.0/33'] }),
      'PTL1313 spec.rules[0].from[0].source.notIpBlocks[1]',
    ],
    ['an octal address', source({ ipBlocks: ['010.0.0.1'] }), 'PTL1313 spec.rules[0].from[0].source.ipBlocks[0]'],
    ['a bad port', rule({ ports: ['80', '65536'] }), 'PTL1314 spec.rules[0].to[0].operation.ports[1]'],
    ['a port as a number', rule({ ports: [80] }), 'PTL1103 spec.rules[0].to[0].operation.ports[0]'],
    ['a named variable', rule({ paths: ['/{*}/{id}'] }), 'PTL1312 spec.rules[0].to[0].operation.paths[0]'],
    ['a template with a star', rule({ paths: ['/{*}/a*'] }), 'PTL1312 spec.rules[0].to[0].operation.paths[0]'],
    ['{**} before {*}', rule({ notPaths: ['/{**}/a/{*}'] }), 'PTL1312 spec.rules[0].to[0].operation.notPaths[0]'],
    ['a condition without values', { rules: [{ when: [{ key: 'source.ip' }] }] }, 'PTL1311 spec.rules[0].when[0]'],
    ['an unknown condition', when('source.port', '1'), 'PTL1315 spec.rules[0].when[0].key'],
    ['a condition of old', when('destination.labels[a]', 'b'), 'PTL1315 spec.rules[0].when[0].key'],
    ['a header without a name', when('request.headers[]', 'b'), 'PTL1315 spec.rules[0].when[0].key'],
    ['a bad address in when', when('destination.ip', 'x'), 'PTL1313 spec.rules[0].when[0].values[0]'],
    [
      'a bad address of a forwarder',
      source({ remoteIpBlocks: ['x'] }),
      'PTL1313 spec.rules[0].from[0].source.remoteIpBlocks[0]',
    ],
    ['a bad remote.ip', when('remote.ip', '10.0.0.0/33'), 'PTL1313 spec.rules[0].when[0].values[0]'],
    [
      '17 service accounts',
      source({ serviceAccounts: Array.from({ length: 17 }, (_, i) => `a${i}`) }),
      'PTL1104 spec.rules[0].from[0].source.serviceAccounts',
    ],
    [
      'a service account with a star',
      source({ notServiceAccounts: ['a', 'a/*'] }),
      'PTL1319 spec.rules[0].from[0].source.notServiceAccounts[1]',
    ],
    [
      'a service account with two slashes',
      when('source.serviceAccount', 'a/b/c'),
      'PTL1319 spec.rules[0].when[0].values[0]',
    ],
    [
      'service accounts beside namespaces',
      source({ serviceAccounts: ['a'], notNamespaces: ['b'] }),
      'PTL1319 spec.rules[0].from[0].source',
    ],
    ['an empty source of a new kind', source({ trustDomains: [] }), 'PTL1311 spec.rules[0].from[0].source'],
    ['claims without a name', when('request.auth.claims[]', 'x'), 'PTL1315 spec.rules[0].when[0].key'],
    ['claims too deep', when(`request.auth.claims${'[a]'.repeat(15)}`, 'x'), 'PTL1315 spec.rules[0].when[0].key'],
    ['metadata without a key', when('experimental.envoy.filters.a', 'x'), 'PTL1315 spec.rules[0].when[0].key'],
    ['a misspelt field', source({ principal: ['x'] }), 'PTL1101 spec.rules[0].from[0].source.principal'],
    ['a null rule', { rules: [null] }, 'PTL1103 spec.rules[0]'],
  ])('is not valid with %s', (_, spec, problem) => {
    expect(read(spec)).toMatchObject({ state: 'invalid', problems: expect.arrayContaining([problem]) });
  });

  it.each<[string, object]>([
    ['an exact, prefix, suffix and present path', rule({ paths: ['/a', '/a/*', '*/a', '*'] })],
    ['templates', rule({ paths: ['/{*}/a/{**}', '/a/{*}', '/{**}/a.txt'] })],
    ['conditions', when('request.headers[x-a]', 'b*')],
    ['a port in when', { rules: [{ when: [{ key: 'destination.port', notValues: ['0', '65535'] }] }] }],
    ['namespaces with stars', source({ namespaces: ['a*b'], ipBlocks: ['2001:db8::/32', '10.0.0.1'] })],
    ['CUSTOM', custom(rule({ paths: ['/admin*'] }))],
    [
      'every kind of source',
      source({
        trustDomains: ['td*', '*'],
        requestPrincipals: ['https://iss/*', '*/sub', '*'],
        remoteIpBlocks: ['10.0.0.0/8'],
        notRemoteIpBlocks: ['10.1.0.0/16'],
      }),
    ],
    ['16 service accounts', source({ serviceAccounts: Array.from({ length: 16 }, (_, i) => `ns/account-${i}`) })],
    ['a service account', source({ serviceAccounts: ['web'], notServiceAccounts: ['other/web.x'] })],
    ['request.auth.claims', when('request.auth.claims[a][b]', 'x')],
    ['remote.ip', when('remote.ip', '10.0.0.1')],
    ['connection.sni', when('connection.sni', 'x')],
    ['request.auth.principal', when('request.auth.principal', 'https://iss/*')],
    ['request.auth.audiences', when('request.auth.audiences', '*')],
    ['request.auth.presenter', when('request.auth.presenter', 'x')],
    ['source.serviceAccount', when('source.serviceAccount', 'a', 'b/c')],
    ['source.trustDomain', when('source.trustDomain', '*.example')],
    ['experimental.envoy.filters', when('experimental.envoy.filters.a.b[c]', '[x]')],
    ['16 targets', { targetRefs: targets(16) }],
    ['an old target', { targetRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' } }],
  ])('is valid with %s', (_, spec) => {
    expect(read(spec)).toMatchObject({ state: 'valid', problems: [] });
  });

  it.each([
    ['destination.namespace', 'attribute destination.namespace is replaced by the metadata.namespace'],
    ['destination.labels[a]', 'attribute destination.labels[a] is replaced by the workload selector'],
    ['destination.name', 'deprecated attribute destination.name: only supported in v1alpha1'],
    ['destination.user', 'deprecated attribute destination.user: only supported in v1alpha1'],
    ['source.port', 'unknown attribute: source.port'],
    ['request.headers', 'bad key (request.headers): should have format a[b]'],
  ])('condition %s is refused in the words of Istio', (key, message) => {
    expect(read(when(key, 'x')).item?.problems).toMatchObject([{ code: 'PTL1315', message }]);
  });

  it('warns of AUDIT and of stars that are none', () => {
    expect(read({ action: 'AUDIT', ...rule({ hosts: ['a.*.com'] }) })).toMatchObject({
      state: 'valid',
      problems: ['PTL1501 spec.action', 'PTL1316 spec.rules[0].to[0].operation.hosts[0]'],
    });
  });
});

it('takes every policy of the vectors that Istio takes, or says why not', () => {
  const text = readFileSync(new URL('../../test/vectors/istio-authz.json', import.meta.url), 'utf8');
  const { sets } = JSON.parse(text) as { sets: readonly { readonly policies: readonly { readonly spec: object }[] }[] };
  const items = sets.flatMap(({ policies }) => policies.map(({ spec }) => read(spec).item));
  expect(items.length).toBeGreaterThan(50);
  const expected = new Set(['PTL1501']);
  for (const item of items) expect(item?.problems.filter(({ code }) => !expected.has(code))).toEqual([]);
});
