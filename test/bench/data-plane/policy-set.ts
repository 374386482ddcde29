import type { AuthzOperation, AuthzPolicy, AuthzPolicySet, AuthzRule, AuthzSource, Clause } from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { Dice } from '../../vectors/dice.ts';

/** What a request of the harness brings, apart from its method. */
export interface Call {
  readonly path: string;
  readonly principal: string;
  readonly tenant?: string;
  readonly address?: string;
}

/** What calls bring; a set is measured against a harness without a filter that gets calls of the same kind. */
export type CallKind = 'caller' | 'tenant' | 'address';

/** Policies, calls that all of them are asked about and that are allowed, and one that is refused. */
export interface PolicySet {
  readonly name: string;
  readonly kind: CallKind;
  readonly set: AuthzPolicySet;
  readonly allowed: readonly Call[];
  readonly refused: Call;
}

const ANY: Clause<never> = { any: [], none: [] };
const clause = <T>(any: readonly T[], none: readonly T[] = []): Clause<T> => ({ any, none });

const match = (kind: 'exact' | 'prefix' | 'suffix' | 'template', value: string): StringMatch => ({ kind, value });
const exact = (value: string): StringMatch => match('exact', value);
const source = (parts: Partial<AuthzSource>): AuthzSource => ({
  principals: ANY,
  namespaces: ANY,
  ipBlocks: ANY,
  ...parts,
});
const operation = (parts: Partial<AuthzOperation>): AuthzOperation => ({
  hosts: ANY,
  methods: ANY,
  paths: ANY,
  ports: ANY,
  ...parts,
});

/** One policy a rule, as they come from many hands; names have one length, so their order is that of the rules. */
const policies = (rules: readonly AuthzRule[], action: AuthzPolicy['action'] = 'ALLOW'): AuthzPolicySet => ({
  policies: rules.map((rule, i) => ({
    namespace: 'shop',
    name: `policy-${String(i).padStart(6, '0')}`,
    action,
    rules: [rule],
  })),
});

const from = (principal: string): AuthzSource[] => [source({ principals: clause([exact(principal)]) })];
const toPath = (path: StringMatch): AuthzOperation[] => [operation({ paths: clause([path]) })];

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const word = (dice: Dice, size: number): string => Array.from({ length: size }, () => LETTERS[dice.below(36)]).join('');

/** Different words of one length: the length of a request must not depend on the set. */
function words(dice: Dice, count: number, size = 8): readonly string[] {
  const distinct = new Set<string>();
  while (distinct.size < count) distinct.add(word(dice, size));
  return [...distinct];
}

const identity = (namespace: string, account: string): string => `spiffe://cluster.local/ns/${namespace}/sa/${account}`;
const STRANGER = identity('elsewhere', 'stranger');
const CALLER = identity('shop', 'checkout');

/** Callers of one namespace. */
export const callers = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => identity('shop', `caller-${String(i).padStart(3, '0')}`));

/** Each policy allows one random caller one random path. `known`: picked from these instead. */
export function randomPolicies(count: number, seed: number, known?: readonly string[]): PolicySet {
  const dice = new Dice(seed);
  const calls = words(dice, count).map((name): Call => ({
    path: `/${word(dice, 8)}/${name}`,
    principal: known === undefined ? identity(word(dice, 8), word(dice, 8)) : dice.pick(known),
  }));
  return {
    name: `${count.toLocaleString('en')} ${count === 1 ? 'policy' : 'policies'}`,
    kind: 'caller',
    set: policies(calls.map(({ path, principal }) => ({ from: from(principal), to: toPath(exact(path)), when: [] }))),
    allowed: calls,
    refused: { path: calls[0]?.path ?? '/', principal: STRANGER },
  };
}

/** Sets in which all rules are alike but for one thing, which an index must be made for or look at every rule. */
export function adversarialPolicies(count: number, seed: number): readonly PolicySet[] {
  const dice = new Dice(seed);
  const names = words(dice, count);
  const byName = (make: (name: string, i: number) => AuthzRule): AuthzPolicySet => policies(names.map(make));
  const calls = (make: (name: string, i: number) => Call): readonly Call[] => names.map(make);
  const prefix = '/api/v1/namespaces/production/services/';
  const identities = names.map((name) => identity(name, 'checkout'));
  const identityOf = (i: number): string => identities[i] ?? STRANGER;
  return [
    {
      name: 'one principal',
      kind: 'caller',
      set: byName((name) => ({ from: from(CALLER), to: toPath(exact(`/orders/${name}`)), when: [] })),
      allowed: calls((name) => ({ path: `/orders/${name}`, principal: CALLER })),
      refused: { path: '/orders/other', principal: CALLER },
    },
    {
      name: 'one path prefix',
      kind: 'caller',
      set: byName((name) => ({ from: [], to: toPath(match('prefix', `${prefix}${name}/`)), when: [] })),
      allowed: calls((name) => ({ path: `${prefix}${name}/status`, principal: CALLER })),
      refused: { path: `${prefix}other/status`, principal: CALLER },
    },
    {
      name: 'a header alone',
      kind: 'tenant',
      set: byName((name) => ({
        from: from(CALLER),
        to: toPath(exact('/orders')),
        when: [{ key: 'header', header: 'x-tenant', values: clause([exact(name)]) }],
      })),
      allowed: calls((tenant) => ({ path: '/orders', principal: CALLER, tenant })),
      refused: { path: '/orders', principal: CALLER, tenant: 'other' },
    },
    {
      name: 'suffixes',
      kind: 'caller',
      set: byName((name) => ({ from: [], to: toPath(match('suffix', `/${name}.json`)), when: [] })),
      allowed: calls((name) => ({ path: `/files/${name}.json`, principal: CALLER })),
      refused: { path: '/files/other.json', principal: CALLER },
    },
    {
      name: 'templates',
      kind: 'caller',
      set: byName((name) => ({ from: [], to: toPath(match('template', `/v1/{*}/items/${name}/{**}`)), when: [] })),
      allowed: calls((name) => ({ path: `/v1/shop/items/${name}/a/b`, principal: CALLER })),
      refused: { path: '/v1/shop/items/other/a/b', principal: CALLER },
    },
    {
      name: 'not-clauses',
      kind: 'caller',
      set: byName((name, i) => ({
        from: from(identityOf(i)),
        to: [operation({ paths: clause([], [match('prefix', `/private/${name}/`)]) })],
        when: [],
      })),
      allowed: calls((_, i) => ({ path: '/public/catalogue', principal: identityOf(i) })),
      refused: { path: '/public/catalogue', principal: STRANGER },
    },
    nearlyDenying(identities),
    addressLists(dice, names),
  ];
}

/** Every rule fits every call but for its exceptions, so that each of them must be seen not to hold. */
function nearlyDenying(identities: readonly string[]): PolicySet {
  const callers = identities.slice(0, 4).map(exact);
  const rules = identities.map((own): AuthzRule => ({
    from: [source({ principals: clause([], [...callers, exact(own)]) })],
    to: toPath(match('prefix', '/orders/')),
    when: [],
  }));
  return {
    name: 'all but for a not',
    kind: 'caller',
    set: policies(rules, 'DENY'),
    allowed: identities.slice(0, 4).map((principal) => ({ path: '/orders/latest', principal })),
    refused: { path: '/orders/latest', principal: STRANGER },
  };
}

/** Four blocks a rule, of lengths from 20 to 28, anywhere in 10.0.0.0/8. */
function addressLists(dice: Dice, names: readonly string[]): PolicySet {
  const lists = names.map(() => Array.from({ length: 4 }, () => block(dice)));
  return {
    name: 'CIDR lists',
    kind: 'address',
    set: policies(lists.map((ipBlocks) => ({ from: [source({ ipBlocks: clause(ipBlocks) })], to: [], when: [] }))),
    allowed: lists.map((list) => ({ path: '/orders', principal: CALLER, address: dice.pick(list).address })),
    refused: { path: '/orders', principal: CALLER, address: '192.0.2.1' },
  };
}

function block(dice: Dice): Cidr {
  const length = 20 + dice.below(9);
  const host = dice.below(1 << 24) & ~((1 << (32 - length)) - 1);
  return { address: `10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`, length };
}
