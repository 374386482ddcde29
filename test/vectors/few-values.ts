import type {
  AuthzCondition,
  AuthzPolicy,
  AuthzPolicySet,
  AuthzRequest,
  AuthzRule,
  Clause,
  RequestPrincipalMatch,
} from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { TOKEN_FILTER, TOKEN_PAYLOAD, type MetadataMap } from '#model/metadata.ts';
import { tokenMetadata } from '#policy/authz/token.ts';
import type { Dice } from './dice.ts';

// Policies made of few values, and all requests that differ in what these values ask for: small enough that every
// request can be tried. The values are each other's beginnings, endings and neighbours.

const NOTHING: Clause<never> = { any: [], none: [] };

const NAMESPACES = ['a', 'ab', 'b', 'ns'];
const ACCOUNTS = ['x', 'xy', 'y'];
const METHODS = ['GET', 'POST', 'PUT'];
const HOSTS = ['web.app', 'api.web.app', 'web'];
const PATHS = ['/a', '/a/b', '/ab', '/b'];
const TEMPLATES = ['/{*}', '/a/{*}', '/{*}/b', '/{**}', '/{**}/b', '/a/{**}'];
const LINES = ['u', 'uv', 'v'];
const BLOCKS: readonly Cidr[] = [
  { address: '10.0.0.0', length: 8 },
  { address: '10.0.0.0', length: 30 },
  { address: '10.0.0.1', length: 32 },
  { address: '2001:db8::', length: 32 },
];
const SERVICE_BLOCKS: readonly Cidr[] = [
  { address: '10.96.0.0', length: 16 },
  { address: 'fd00::', length: 16 },
];

const DOMAINS = ['td', 'tdx', 't'];
const ISSUERS = ['i', 'ij', 'j'];
const SUBJECTS = ['s', 'i/s', 'st'];
/** A scope is made a list of in every token. */
const CLAIMS = ['groups', 'scope'];

const ATTRIBUTES = [
  'identity',
  'address',
  'method',
  'host',
  'path',
  'header',
  'service',
  'principal',
  'groups',
  'scope',
  'sni',
] as const;
type Attribute = (typeof ATTRIBUTES)[number];

export const FEW_TARGET = {
  protocol: 'http',
  port: 80,
  addresses: ['10.96.0.1', 'fd00::1'],
  trustDomains: ['td', 'tdx'],
  normalizedPaths: true,
  plain: { identities: ['spiffe://td/ns/app/sa/web'], hosts: ['web.app'] },
} as const;

/** Requests of a case at most: there are many cases. */
const MOST_REQUESTS = 2_500;

/** What policies of a case look at. */
export function attributes(dice: Dice): readonly Attribute[] {
  const chosen: Attribute[] = [];
  let requests = 1;
  for (const name of ATTRIBUTES.filter(() => dice.chance(35))) {
    requests *= ASKED[name].length;
    if (requests > MOST_REQUESTS) break;
    chosen.push(name);
  }
  return chosen;
}

export function fewPolicies(dice: Dice, of: readonly Attribute[], most = 3): AuthzPolicySet {
  const policies = dice.several(1, most, (): AuthzPolicy => {
    const rules = dice.several(0, 2, () => rule(dice, of));
    return { namespace: 'n', name: '', action: dice.chance(40) ? 'DENY' : 'ALLOW', rules };
  });
  const named = policies.map((policy, index) => ({ ...policy, name: `p${index}` }));
  const only = (action: AuthzPolicy['action']): AuthzPolicy[] => named.filter((one) => one.action === action);
  return { policies: [...only('DENY'), ...only('ALLOW')] };
}

/** The same set with one rule made anew, or one policy less; sometimes another set altogether. */
export function changed(dice: Dice, set: AuthzPolicySet, of: readonly Attribute[]): AuthzPolicySet {
  if (dice.chance(25)) return fewPolicies(dice, of);
  const at = dice.below(set.policies.length);
  if (dice.chance(15)) return { policies: set.policies.filter((_, index) => index !== at) };
  return {
    policies: set.policies.map((policy, index) => {
      if (index !== at) return policy;
      const which = dice.below(Math.max(policy.rules.length, 1));
      return { ...policy, rules: [...policy.rules.filter((_, number) => number !== which), rule(dice, of)] };
    }),
  };
}

function rule(dice: Dice, of: readonly Attribute[]): AuthzRule {
  const when = (attribute: Attribute, condition: () => AuthzCondition, chance: number): AuthzCondition[] =>
    of.includes(attribute) && dice.chance(chance) ? dice.several(1, 2, condition) : [];
  const source = of.includes('identity') || of.includes('address') || of.includes('principal');
  const operation = of.includes('method') || of.includes('host') || of.includes('path');
  const some = <T>(attribute: Attribute, make: () => Clause<T>): Clause<T> =>
    of.includes(attribute) && dice.chance(55) ? make() : NOTHING;
  const rarely = <T>(attribute: Attribute, make: () => Clause<T>): Clause<T> =>
    of.includes(attribute) && dice.chance(30) ? make() : NOTHING;
  return {
    from:
      source && dice.chance(75)
        ? dice.several(1, 2, () => ({
            principals: some('identity', () => clause(dice, () => principal(dice))),
            namespaces: some('identity', () => clause(dice, () => namespace(dice))),
            serviceAccounts: rarely('identity', () => clause(dice, () => account(dice))),
            trustDomains: rarely('identity', () => clause(dice, () => text(dice, dice.pick(DOMAINS)))),
            requestPrincipals: some('principal', () => clause(dice, () => requestPrincipal(dice))),
            ipBlocks: some('address', () => clause(dice, () => dice.pick(BLOCKS))),
            remoteIpBlocks: rarely('address', () => clause(dice, () => dice.pick(BLOCKS))),
          }))
        : [],
    to:
      operation && dice.chance(75)
        ? dice.several(1, 2, () => ({
            hosts: some('host', () => clause(dice, () => text(dice, dice.pick(HOSTS)))),
            methods: some('method', () => clause(dice, () => text(dice, dice.pick(METHODS)))),
            paths: some('path', () => clause(dice, () => path(dice))),
            ports: NOTHING,
          }))
        : [],
    when: [
      ...when(
        'header',
        () => ({ key: 'header', header: 'x-r', values: clause(dice, () => text(dice, dice.pick(LINES))) }),
        70,
      ),
      ...when('principal', () => principalCondition(dice), 40),
      ...CLAIMS.flatMap((name) =>
        when(
          name as Attribute,
          () => ({ key: 'claim', claim: [name], values: clause(dice, () => text(dice, dice.pick(LINES))) }),
          70,
        ),
      ),
      ...when('sni', () => ({ key: 'sni', values: clause(dice, () => text(dice, dice.pick(HOSTS))) }), 70),
      ...when('identity', () => identityCondition(dice), 15),
      ...when('address', () => ({ key: 'remoteIp', values: clause(dice, () => dice.pick(BLOCKS)) }), 15),
      ...when('service', () => ({ key: 'destinationIp', values: clause(dice, () => dice.pick(SERVICE_BLOCKS)) }), 40),
      ...when(
        'path',
        () => ({ key: 'header', header: ':path', values: clause(dice, () => text(dice, dice.pick(PATHS))) }),
        10,
      ),
    ],
  };
}

function clause<T>(dice: Dice, value: () => T): Clause<T> {
  const kind = dice.below(10);
  return {
    any: kind < 8 ? dice.several(1, 2, value) : [],
    none: kind >= 6 ? dice.several(1, 2, value) : [],
  };
}

function text(dice: Dice, whole: string): StringMatch {
  const cut = 1 + dice.below(Math.max(whole.length - 1, 1));
  switch (dice.below(6)) {
    case 0:
      return { kind: 'prefix', value: whole.slice(0, cut) };
    case 1:
      return { kind: 'suffix', value: whole.slice(cut - 1) };
    case 2:
      return { kind: 'present' };
    default:
      return { kind: 'exact', value: whole };
  }
}

function principal(dice: Dice): StringMatch {
  const whole = `${dice.chance(80) ? 'td' : 'tdx'}/ns/${dice.pick(NAMESPACES)}/sa/${dice.pick(ACCOUNTS)}`;
  const match = text(dice, whole);
  return match.kind === 'exact' || match.kind === 'prefix' ? { ...match, value: `spiffe://${match.value}` } : match;
}

function namespace(dice: Dice): StringMatch {
  return dice.chance(15) ? { kind: 'regex', value: 'a.*b' } : text(dice, dice.pick(NAMESPACES));
}

const account = (dice: Dice): StringMatch => ({
  kind: 'exact',
  value: dice.chance(90) ? `${dice.pick(NAMESPACES)}/${dice.pick(ACCOUNTS)}` : dice.pick(['a', '/x', 'a/x/y', 'a/']),
});

/** Kinds of which filters compare both at once. */
function requestPrincipal(dice: Dice): RequestPrincipalMatch {
  const [issuer, subject] = [dice.pick(ISSUERS), dice.pick(SUBJECTS)];
  switch (dice.below(6)) {
    case 0:
      return { issuer: { kind: 'exact', value: issuer }, subject: { kind: 'present' } };
    case 1:
      return { issuer: { kind: 'present' }, subject: { kind: 'exact', value: subject } };
    case 2:
      return { issuer: { kind: 'prefix', value: issuer.slice(0, dice.below(2)) }, subject: { kind: 'present' } };
    case 3:
      return { issuer: { kind: 'suffix', value: issuer }, subject: { kind: 'exact', value: subject } };
    case 4:
      return { issuer: { kind: 'present' }, subject: { kind: 'suffix', value: subject } };
    default:
      return { issuer: { kind: 'exact', value: issuer }, subject: { kind: 'exact', value: subject } };
  }
}

function principalCondition(dice: Dice): AuthzCondition {
  switch (dice.below(3)) {
    case 0:
      return { key: 'claim', claim: ['iss'], values: clause(dice, () => text(dice, dice.pick(ISSUERS))) };
    case 1:
      return { key: 'claim', claim: ['sub'], values: clause(dice, () => text(dice, dice.pick(SUBJECTS))) };
    default:
      return { key: 'requestPrincipal', values: clause(dice, () => requestPrincipal(dice)) };
  }
}

function identityCondition(dice: Dice): AuthzCondition {
  return dice.chance(50)
    ? { key: 'serviceAccount', values: clause(dice, () => account(dice)) }
    : { key: 'trustDomain', values: clause(dice, () => text(dice, dice.pick(DOMAINS))) };
}

function path(dice: Dice): StringMatch {
  return dice.chance(35) ? { kind: 'template', value: dice.pick(TEMPLATES) } : text(dice, dice.pick(PATHS));
}

const IDENTITIES = [
  ...['a', 'ab', 'b', 'ns', 'q'].flatMap((namespace) =>
    ['x', 'xy', 'y', 'q'].map((account) => `spiffe://td/ns/${namespace}/sa/${account}`),
  ),
  'spiffe://td/q',
  ...['a/sa/x', 'ab/sa/xy', 'b/sa/y', 'q/sa/q'].map((name) => `spiffe://tdx/ns/${name}`),
];
const LINE_SETS = [
  '',
  'line:',
  'line:u',
  'line:uv',
  'line:v',
  'line:q',
  'line:u|v',
  'line:uv|v',
  'line:u|q',
  'line:v|q',
  'line:uq',
  'line:qv',
  'line:qv|uq',
  'line:u|uv|v',
  'line:u|uv',
];
const ASKED: { readonly [A in Attribute]: readonly string[] } = {
  identity: IDENTITIES,
  address: ['10.0.0.1', '10.0.0.2', '10.1.0.1', '11.0.0.1', '2001:db8::1', '2001:db9::1'],
  method: ['GET', 'POST', 'PUT', 'G', 'GE', 'PU', 'PO', 'P', 'T', 'XPOST', 'XPUT', 'ET', 'Q'],
  host: ['web.app', 'WEB.app', 'api.web.app', 'web', 'w', 'b', 'app', 'xapp', 'q', 'apiq', 'eb', 'api.web'],
  path: [
    '/',
    '/a',
    '/a/b',
    '/ab',
    '/b',
    '/q',
    '/a/q',
    '/q/b',
    '/q/q/b',
    '/a?q',
    '/a/q/b',
    '/q/q',
    '/q?/b',
    '/ab/q',
    '/a/',
  ],
  header: LINE_SETS,
  service: ['10.96.0.1', 'fd00::1'],
  principal: [
    '{}',
    ...['', 'i', 'ij', 'j', 'qj'].flatMap((iss) => [
      JSON.stringify({ iss }),
      ...['s', 'i/s', 'st', 'q', 'qst'].map((sub) => JSON.stringify({ iss, sub })),
    ]),
    '{"iss":"i","sub":""}',
    '{"sub":"s"}',
    '{"sub":"q"}',
  ],
  groups: LINE_SETS,
  scope: LINE_SETS,
  sni: ['', 'web.app', 'api.web.app', 'web', 'w', 'b', 'q', 'eb'],
};

/** Every combination of values of the attributes; the others have plain ones. */
export function* allRequests(of: readonly Attribute[]): Generator<AuthzRequest> {
  const plain: AuthzRequest = {
    principal: 'spiffe://td/ns/app/sa/web',
    sourceIp: '127.0.0.1',
    destinationIp: '10.96.0.1',
    destinationPort: 80,
    host: 'web.app',
    method: 'GET',
    path: '/',
    headers: [],
  };
  yield* combined(plain, of);
}

function* combined(request: AuthzRequest, [attribute, ...others]: readonly Attribute[]): Generator<AuthzRequest> {
  if (attribute === undefined) yield request;
  else for (const value of ASKED[attribute]) yield* combined(having(request, attribute, value), others);
}

function having(request: AuthzRequest, attribute: Attribute, value: string): AuthzRequest {
  switch (attribute) {
    case 'identity':
      return { ...request, principal: value };
    case 'address':
      return { ...request, sourceIp: value };
    case 'service':
      return { ...request, destinationIp: value };
    case 'header':
      return { ...request, headers: linesOf(value).map((line) => ['x-r', line] as const) };
    case 'principal':
      return withClaims(request, JSON.parse(value) as MetadataMap);
    case 'groups':
    case 'scope': {
      const texts = linesOf(value);
      const isOne = texts.length === 1 && attribute === 'groups';
      return texts.length === 0 ? request : withClaims(request, { [attribute]: isOne ? texts[0]! : texts });
    }
    case 'sni':
      return value === '' ? request : { ...request, sni: value };
    case 'method':
    case 'host':
    case 'path':
      return { ...request, [attribute]: value };
  }
}

const linesOf = (value: string): readonly string[] => (value === '' ? [] : value.slice('line:'.length).split('|'));

function withClaims(request: AuthzRequest, claims: MetadataMap): AuthzRequest {
  const before = (request.metadata?.[TOKEN_FILTER]?.[TOKEN_PAYLOAD] ?? {}) as MetadataMap;
  return { ...request, metadata: tokenMetadata({ ...before, ...claims }) };
}
