import type { AuthzCondition, AuthzPolicy, AuthzPolicySet, AuthzRequest, AuthzRule, Clause } from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
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

const ATTRIBUTES = ['identity', 'address', 'method', 'host', 'path', 'header', 'service'] as const;
type Attribute = (typeof ATTRIBUTES)[number];

export const FEW_TARGET = {
  protocol: 'http',
  port: 80,
  addresses: ['10.96.0.1', 'fd00::1'],
  trustDomains: ['td'],
  normalizedPaths: true,
  plain: { identities: ['spiffe://td/ns/app/sa/web'], hosts: ['web.app'] },
} as const;

/** What policies of a case look at. */
export function attributes(dice: Dice): readonly Attribute[] {
  return ATTRIBUTES.filter(() => dice.chance(55)).slice(0, 3);
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
  const source = of.includes('identity') || of.includes('address');
  const operation = of.includes('method') || of.includes('host') || of.includes('path');
  const some = <T>(attribute: Attribute, make: () => Clause<T>): Clause<T> =>
    of.includes(attribute) && dice.chance(55) ? make() : NOTHING;
  return {
    from:
      source && dice.chance(75)
        ? dice.several(1, 2, () => ({
            principals: some('identity', () => clause(dice, () => principal(dice))),
            namespaces: some('identity', () => clause(dice, () => namespace(dice))),
            ipBlocks: some('address', () => clause(dice, () => dice.pick(BLOCKS))),
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
  const whole = `td/ns/${dice.pick(NAMESPACES)}/sa/${dice.pick(ACCOUNTS)}`;
  const match = text(dice, whole);
  return match.kind === 'exact' || match.kind === 'prefix' ? { ...match, value: `spiffe://${match.value}` } : match;
}

function namespace(dice: Dice): StringMatch {
  return dice.chance(15) ? { kind: 'regex', value: 'a.*b' } : text(dice, dice.pick(NAMESPACES));
}

function path(dice: Dice): StringMatch {
  return dice.chance(35) ? { kind: 'template', value: dice.pick(TEMPLATES) } : text(dice, dice.pick(PATHS));
}

const IDENTITIES = [
  ...['a', 'ab', 'b', 'ns', 'q'].flatMap((namespace) =>
    ['x', 'xy', 'y', 'q'].map((account) => `spiffe://td/ns/${namespace}/sa/${account}`),
  ),
  'spiffe://td/q',
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
  header: [
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
  ],
  service: ['10.96.0.1', 'fd00::1'],
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
      return {
        ...request,
        headers:
          value === ''
            ? []
            : value
                .slice(5)
                .split('|')
                .map((line) => ['x-r', line] as const),
      };
    case 'method':
    case 'host':
    case 'path':
      return { ...request, [attribute]: value };
  }
}
