import * as fc from 'fast-check';
import type {
  AuthzCondition,
  AuthzOperation,
  AuthzPolicy,
  AuthzPolicySet,
  AuthzRequest,
  AuthzRule,
  AuthzSource,
  Clause,
} from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { TOKEN_FILTER, TOKEN_PAYLOAD, type MetadataMap, type MetadataValue } from '#model/metadata.ts';
import { requestPrincipalMatch } from '#translate/authz-value.ts';

// Policies and requests from few values that lie close together, so that they meet often and miss narrowly.

const PRINCIPALS = [
  'spiffe://cluster.local/ns/a/sa/x',
  'spiffe://cluster.local/ns/a/sa/xy',
  'spiffe://cluster.local/ns/ab/sa/x',
  'spiffe://Cluster.local/ns/a/sa/x',
  'spiffe://cluster.local/ns/b/sa/x/ns/a/sa/x',
  'spiffe://cluster.local//ns/a/sa/x',
  'spiffe://cluster.local/sa/x',
];
const NAMESPACES = ['a', 'ab', 'b', 'c.d', 'cxd'];
const ADDRESSES = [
  '10.0.0.1',
  '10.0.1.2',
  '10.1.2.3',
  '192.168.0.1',
  '2001:db8::1',
  '2001:db8:0:1::1',
  '::ffff:10.0.0.1',
];
const BLOCKS: readonly Cidr[] = [
  { address: '10.0.0.0', length: 8 },
  { address: '10.0.0.0', length: 16 },
  { address: '10.0.0.1', length: 32 },
  { address: '0.0.0.0', length: 0 },
  { address: '10.0.1.7', length: 24 },
  { address: '2001:db8::', length: 32 },
  { address: '2001:db8::1', length: 128 },
  { address: '::', length: 0 },
];
const HOSTS = [
  'example.com',
  'EXAMPLE.com',
  'example.com:80',
  'a.example.com',
  'example.org',
  'ample.com',
  'é.example.com',
];
const ROUTES = ['ns1.r.0', 'ns1.r.0.1', 'default'];
const METHODS = ['GET', 'POST', 'get', 'GETX'];
const PATHS = [
  '/',
  '/a',
  '/a/',
  '/a/b',
  '/a//b',
  '/ab',
  '/a/b/c',
  '/a/b=c/d',
  '/a/x/end',
  '/a//end',
  '/A',
  '//a',
  '/a/*',
  '/é',
];
const TEMPLATES = [
  '/{*}',
  '/{**}',
  '/a/{*}',
  '/a/{**}',
  '/{*}/b',
  '/{*}/{*}',
  '/a/{**}/end',
  '/{**}/end',
  '/a/{*}/{**}',
  '/a/{*}/',
];
const VALUES = ['v', 'V', 'vw', 'v,w', '', 'w', 'v w', 'é'];
const HEADERS = ['x-a', 'x-b', 'x-ab'];
const ACCOUNTS = ['a/x', 'ab/x', 'a/xy', 'b/x'];
const DOMAINS = ['cluster.local', 'Cluster.local', 'cluster'];
const ISSUERS = ['i', 'https://i', 'https://i/a'];
const SUBJECTS = ['', 's', 'a/s', 'st'];
const CLAIMS = [['groups'], ['aud'], ['realm', 'roles'], ['realm'], ['iss']];
const OTHER = 'envoy.filters.http.other';

const some = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** An exact value, or a part of one from either end, or presence. */
function matches(values: readonly string[]): fc.Arbitrary<StringMatch> {
  const part = fc.tuple(some(values), fc.nat({ max: 40 }));
  return fc.oneof(
    { weight: 4, arbitrary: some(values).map((value): StringMatch => ({ kind: 'exact', value })) },
    { weight: 2, arbitrary: part.map(([value, n]): StringMatch => ({ kind: 'prefix', value: value.slice(0, n + 1) })) },
    { weight: 2, arbitrary: part.map(([value, n]): StringMatch => ({ kind: 'suffix', value: value.slice(-(n + 1)) })) },
    { weight: 1, arbitrary: fc.constant<StringMatch>({ kind: 'present' }) },
  );
}

const namespaceMatches: fc.Arbitrary<StringMatch> = fc.oneof(
  { weight: 5, arbitrary: matches(NAMESPACES) },
  {
    weight: 1,
    arbitrary: some(['a.*b', '.*', 'c\\.d', 'c.*\\.d', '.*b.*']).map((value): StringMatch => ({
      kind: 'regex',
      value,
    })),
  },
);

const pathMatches: fc.Arbitrary<StringMatch> = fc.oneof(
  { weight: 2, arbitrary: matches(PATHS) },
  { weight: 1, arbitrary: some(TEMPLATES).map((value): StringMatch => ({ kind: 'template', value })) },
);

/** `weight` is how often the clause says something. */
function clause<T>(value: fc.Arbitrary<T>, weight = 2): fc.Arbitrary<Clause<T>> {
  const list = fc.array(value, { minLength: 1, maxLength: 3 });
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant({ any: [], none: [] }) },
    { weight, arbitrary: list.map((any) => ({ any, none: [] })) },
    { weight: 1, arbitrary: list.map((none) => ({ any: [], none })) },
    { weight: 1, arbitrary: fc.record({ any: list, none: list }) },
  );
}

const blocks = some(BLOCKS);
const ports = fc.constantFrom(80, 81);

const accounts = some(ACCOUNTS).map((value): StringMatch => ({ kind: 'exact', value }));
const requestPrincipals = fc
  .tuple(some(ISSUERS), some(SUBJECTS), fc.nat({ max: 12 }), some(['', 'prefix', 'suffix', 'any'] as const))
  .map(([issuer, subject, cut, star]) => {
    const whole = `${issuer}/${subject}`;
    const text = { '': whole, prefix: `${whole.slice(0, cut)}*`, suffix: `*${whole.slice(-cut)}`, any: '*' }[star];
    return requestPrincipalMatch(text);
  });

const sources: fc.Arbitrary<AuthzSource> = fc
  .tuple(
    fc.record({
      principals: clause(matches(PRINCIPALS), 4),
      namespaces: clause(namespaceMatches),
      ipBlocks: clause(blocks),
    }),
    fc.record(
      {
        serviceAccounts: clause(accounts),
        trustDomains: clause(matches(DOMAINS)),
        requestPrincipals: clause(requestPrincipals),
        remoteIpBlocks: clause(blocks),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([always, sometimes]) => ({ ...always, ...sometimes }));

const operations: fc.Arbitrary<AuthzOperation> = fc.record({
  hosts: clause(matches(HOSTS)),
  methods: clause(matches(METHODS)),
  paths: clause(pathMatches, 4),
  ports: clause(ports, 1),
});

const conditions: fc.Arbitrary<AuthzCondition> = fc.oneof(
  fc.record({
    key: fc.constant('header' as const),
    header: some([...HEADERS, 'host', ':path', ':method']),
    values: clause(matches(VALUES), 8),
  }),
  fc.record({ key: fc.constant('principal' as const), values: clause(matches(PRINCIPALS)) }),
  fc.record({ key: fc.constant('namespace' as const), values: clause(namespaceMatches) }),
  fc.record({ key: fc.constant('sourceIp' as const), values: clause(blocks) }),
  fc.record({ key: fc.constant('destinationIp' as const), values: clause(blocks) }),
  fc.record({ key: fc.constant('destinationPort' as const), values: clause(ports) }),
  fc.record({ key: fc.constant('serviceAccount' as const), values: clause(accounts) }),
  fc.record({ key: fc.constant('trustDomain' as const), values: clause(matches(DOMAINS)) }),
  fc.record({ key: fc.constant('requestPrincipal' as const), values: clause(requestPrincipals) }),
  fc.record({ key: fc.constant('claim' as const), claim: some(CLAIMS), values: clause(matches(VALUES), 8) }),
  fc.record({
    key: fc.constant('metadata' as const),
    filter: fc.constant(OTHER),
    name: fc.constant('k'),
    values: clause(fc.record({ list: fc.boolean(), match: matches(VALUES) }), 8),
  }),
  fc.record({ key: fc.constant('sni' as const), values: clause(matches(HOSTS)) }),
  fc.record({ key: fc.constant('remoteIp' as const), values: clause(blocks) }),
);

const rules: fc.Arbitrary<AuthzRule> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      from: fc.array(sources, { maxLength: 2 }),
      to: fc.array(operations, { maxLength: 2 }),
      when: fc.array(conditions, { maxLength: 2 }),
    }),
  },
  {
    // Enough alternatives that they are not multiplied out.
    weight: 1,
    arbitrary: fc.record({
      from: fc.array(sources, { minLength: 4, maxLength: 6 }),
      to: fc.array(operations, { minLength: 4, maxLength: 6 }),
      when: fc.array(conditions, { maxLength: 3 }),
    }),
  },
);

const policies: fc.Arbitrary<AuthzPolicy> = fc
  .record({
    namespace: some(['ns1', 'ns2']),
    name: some(['p', 'q', 'r']),
    action: some(['ALLOW', 'DENY'] as const),
    rules: fc.array(rules, { maxLength: 4 }),
    routes: fc.option(fc.array(some(ROUTES), { maxLength: 2 }), { nil: undefined, freq: 1 }),
  })
  .map(({ routes, ...policy }) => (routes === undefined ? policy : { ...policy, routes }));

const { value: metadataValues } = fc.letrec<{ value: MetadataValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 6, arbitrary: some(VALUES) },
    { weight: 1, arbitrary: some([null, true, 1.5]) },
    { weight: 3, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.dictionary(some(VALUES), tie('value'), { maxKeys: 2 }) },
  ),
}));

const payloads: fc.Arbitrary<MetadataMap> = fc.record(
  {
    iss: some(ISSUERS),
    sub: some(SUBJECTS),
    groups: metadataValues,
    aud: metadataValues,
    realm: fc.oneof(metadataValues, fc.record({ roles: metadataValues })),
  },
  { requiredKeys: [] },
);

/** At least one policy, DENY before ALLOW as the model has it. */
export const policySets: fc.Arbitrary<AuthzPolicySet> = fc
  .array(policies, { minLength: 1, maxLength: 6 })
  .map((list) => ({ policies: [...list].sort((a, b) => (a.action === b.action ? 0 : a.action === 'DENY' ? -1 : 1)) }));

export const requests: fc.Arbitrary<AuthzRequest> = fc
  .record({
    principal: fc.option(some(PRINCIPALS), { nil: undefined, freq: 8 }),
    sourceIp: some(ADDRESSES),
    destinationIp: some(['10.0.0.1', '10.0.1.2']),
    destinationPort: ports,
    host: some(HOSTS),
    method: some(METHODS),
    path: fc.tuple(some(PATHS), some(['', '', '?', '?x=/a', '#f'])).map((parts) => parts.join('')),
    headers: fc.array(fc.tuple(some(HEADERS), some(VALUES)), { maxLength: 4 }),
    sni: fc.option(some(HOSTS), { nil: undefined }),
    route: fc.option(some(ROUTES), { nil: undefined }),
    payload: fc.option(payloads, { nil: undefined, freq: 4 }),
    other: fc.option(metadataValues, { nil: undefined, freq: 2 }),
  })
  .map(({ principal, sni, route, payload, other, ...request }) => ({
    ...request,
    ...(principal !== undefined && { principal }),
    ...(sni !== undefined && { sni }),
    ...(route !== undefined && { route }),
    metadata: {
      ...(payload !== undefined && { [TOKEN_FILTER]: { [TOKEN_PAYLOAD]: payload } }),
      ...(other !== undefined && { [OTHER]: { k: other } }),
    },
  }));
