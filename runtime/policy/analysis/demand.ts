import type { AuthzCondition, AuthzOperation, AuthzPolicy, AuthzRule, AuthzSource, Clause } from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { addressBlock, type AddressBlock } from '../authz/address.ts';
import { parseGlob } from '../authz/glob.ts';
import { folded, language, literal, many, one, type Class, type Language } from './language.ts';

/** A value of a policy, with how it is written there. Two with the same key match the same. */
export type Value = { readonly key: string; readonly written: string } & (
  | { readonly kind: 'text'; readonly language: Language }
  | { readonly kind: 'block'; readonly block: AddressBlock }
  | { readonly kind: 'number'; readonly number: number }
);

/**
 * What an attribute of a request must be: any of `any` (undefined: no matter what), none of `none`. `identity` is the
 * caller's; a header is `header <name>`.
 */
export interface Demand {
  readonly attribute: string;
  readonly any: readonly Value[] | undefined;
  readonly none: readonly Value[];
  /** Where the clause is written, in the rule: `from[0].source.principals`. */
  readonly field: string;
  /** Where its `none` is written. */
  readonly noneField: string;
}

/** Demands that must all hold; `never`: no request can meet them; `unknown`: they hold something not understood here. */
export type Alternative = readonly Demand[] | 'never' | 'unknown';

export interface Reading {
  readonly action: AuthzPolicy['action'];
  readonly protocol: 'http' | 'tcp';
}

/** A rule as parts of which one alternative each must hold: its `from`, its `to`, its `when`. */
export function ruleParts(rule: AuthzRule, reading: Reading): readonly (readonly Alternative[])[] {
  return [
    rule.from.map((source, at) => sourceAlternative(source, `from[${at}].source`, reading)),
    rule.to.map((operation, at) => operationAlternative(operation, `to[${at}].operation`, reading)),
    rule.when.length === 0
      ? []
      : [joined(rule.when.map((condition, at) => conditionAlternative(condition, `when[${at}]`, reading)))],
  ].filter((part) => part.length > 0);
}

const NO_DEMAND: Clause<never> = { any: [], none: [] };

type Read<T> = (clause: Clause<T>, reading: Reading) => Alternative;

/** How each field of a source is read: a new field needs an entry here, and nothing else of the analysis. */
const SOURCE: { readonly [K in keyof AuthzSource]-?: Read<NonNullable<AuthzSource[K]>['any'][number]> } = {
  principals: (clause) => texts('identity', clause, plainText),
  namespaces: (clause, { action }) => namespaces(clause, action),
  ipBlocks: (clause) => blocks('source.ip', clause),
  serviceAccounts: notYet,
  trustDomains: notYet,
  requestPrincipals: httpOnly(notYet),
  remoteIpBlocks: notYet,
};

/** What no cells were made for: a rule that holds it is left out of what is said. */
function notYet(clause: Clause<unknown>): Alternative {
  return isNothing(clause) ? [] : 'unknown';
}

const OPERATION: { readonly [K in keyof AuthzOperation]: Read<AuthzOperation[K]['any'][number]> } = {
  hosts: httpOnly((clause) => texts('host', clause, hostText)),
  methods: httpOnly((clause) => texts('method', clause, plainText)),
  paths: httpOnly((clause) => texts('path', clause, pathText)),
  ports: (clause) => numbers('destination.port', clause),
};

function sourceAlternative(source: AuthzSource, at: string, reading: Reading): Alternative {
  return joined([
    written(SOURCE.principals(source.principals, reading), `${at}.principals`, `${at}.notPrincipals`),
    written(SOURCE.namespaces(source.namespaces, reading), `${at}.namespaces`, `${at}.notNamespaces`),
    written(SOURCE.ipBlocks(source.ipBlocks, reading), `${at}.ipBlocks`, `${at}.notIpBlocks`),
    SOURCE.serviceAccounts(source.serviceAccounts ?? NO_DEMAND, reading),
    SOURCE.trustDomains(source.trustDomains ?? NO_DEMAND, reading),
    SOURCE.requestPrincipals(source.requestPrincipals ?? NO_DEMAND, reading),
    SOURCE.remoteIpBlocks(source.remoteIpBlocks ?? NO_DEMAND, reading),
  ]);
}

function operationAlternative(operation: AuthzOperation, at: string, reading: Reading): Alternative {
  return joined([
    written(OPERATION.hosts(operation.hosts, reading), `${at}.hosts`, `${at}.notHosts`),
    written(OPERATION.methods(operation.methods, reading), `${at}.methods`, `${at}.notMethods`),
    written(OPERATION.paths(operation.paths, reading), `${at}.paths`, `${at}.notPaths`),
    written(OPERATION.ports(operation.ports, reading), `${at}.ports`, `${at}.notPorts`),
  ]);
}

function conditionAlternative(condition: AuthzCondition, at: string, reading: Reading): Alternative {
  return written(conditionDemands(condition, reading), `${at}.values`, `${at}.notValues`);
}

function conditionDemands(condition: AuthzCondition, reading: Reading): Alternative {
  switch (condition.key) {
    case 'header':
      return httpOnly<StringMatch>((clause) => headerDemands(condition.header.toLowerCase(), clause))(
        condition.values,
        reading,
      );
    case 'principal':
      return SOURCE.principals(condition.values, reading);
    case 'namespace':
      return SOURCE.namespaces(condition.values, reading);
    case 'sourceIp':
      return SOURCE.ipBlocks(condition.values, reading);
    case 'destinationIp':
      return blocks('destination.ip', condition.values);
    case 'destinationPort':
      return OPERATION.ports(condition.values, reading);
    case 'requestPrincipal':
    case 'claim':
    case 'metadata':
      return httpOnly(notYet)(condition.values, reading);
    case 'serviceAccount':
    case 'trustDomain':
    case 'sni':
    case 'remoteIp':
      return notYet(condition.values);
  }
}

/** Envoy has Host and what HTTP/2 calls pseudo headers among the headers, and compares them as they are. */
function headerDemands(name: string, clause: Clause<StringMatch>): Alternative {
  const attribute = { host: 'host', ':authority': 'host', ':method': 'method', ':path': 'path' }[name];
  return texts(attribute ?? `header ${name}`, clause, plainText);
}

/** What only HTTP has fails an ALLOW rule on a TCP port, and makes no demand of a DENY rule. */
function httpOnly<T>(read: (clause: Clause<T>) => Alternative): Read<T> {
  return (clause, { protocol, action }) =>
    protocol === 'http' || isNothing(clause) ? read(clause) : action === 'ALLOW' ? 'never' : [];
}

const isNothing = ({ any, none }: Clause<unknown>): boolean => any.length === 0 && none.length === 0;

function joined(all: readonly Alternative[]): Alternative {
  if (all.includes('never')) return 'never';
  if (all.includes('unknown')) return 'unknown';
  return all.flatMap((each) => (typeof each === 'string' ? [] : each));
}

function written(alternative: Alternative, field: string, noneField: string): Alternative {
  if (typeof alternative === 'string') return alternative;
  return alternative.map((demand) => ({ ...demand, field, noneField }));
}

function demand<T>(attribute: string, { any, none }: Clause<T>, read: (value: T) => Value | undefined): Alternative {
  if (any.length === 0 && none.length === 0) return [];
  const wanted = any.map((value) => read(value));
  const refused = none.map((value) => read(value));
  if (wanted.includes(undefined) || refused.includes(undefined)) return 'unknown';
  return [
    {
      attribute,
      any: any.length === 0 ? undefined : (wanted as readonly Value[]),
      none: refused as readonly Value[],
      field: '',
      noneField: '',
    },
  ];
}

const texts = (
  attribute: string,
  clause: Clause<StringMatch>,
  read: (match: StringMatch) => Value | undefined,
): Alternative => demand(attribute, clause, read);

/**
 * A namespace counts for an ALLOW rule where it stands first in the identity, and against it anywhere; for a DENY rule
 * the other way round.
 */
function namespaces({ any, none }: Clause<StringMatch>, action: AuthzPolicy['action']): Alternative {
  const first = (match: StringMatch) => namespaceText(match, 'first');
  const anywhere = (match: StringMatch) => namespaceText(match, 'anywhere');
  const allow = action === 'ALLOW';
  return joined([
    demand('identity', { any, none: [] }, allow ? first : anywhere),
    demand('identity', { any: [], none }, allow ? anywhere : first),
  ]);
}

function blocks(attribute: string, clause: Clause<Cidr>): Alternative {
  return demand(attribute, clause, (cidr): Value | undefined => {
    const block = addressBlock(cidr);
    return (
      block && {
        kind: 'block',
        key: `${block.family} ${block.first}/${block.length}`,
        written: `${cidr.address}/${cidr.length}`,
        block,
      }
    );
  });
}

const numbers = (attribute: string, clause: Clause<number>): Alternative =>
  demand(attribute, clause, (number): Value => ({
    kind: 'number',
    key: String(number),
    written: String(number),
    number,
  }));

/** As a policy writes it; the scheme of an identity is not written. */
function writtenOf(match: StringMatch): string {
  if (match.kind === 'present') return '*';
  const text = match.value.replace(/^spiffe:\/\//, '');
  return match.kind === 'prefix' ? `${text}*` : match.kind === 'suffix' ? `*${text}` : text;
}

const keyOf = (match: StringMatch): string => `${match.kind} ${match.kind === 'present' ? '' : match.value}`;

function plainText(match: StringMatch): Value | undefined {
  const steps = stepsOf(match, literal, 'any');
  return steps && { kind: 'text', key: keyOf(match), written: writtenOf(match), language: language(steps) };
}

function hostText(match: StringMatch): Value | undefined {
  const lower = match.kind === 'present' ? match : { ...match, value: match.value.toLowerCase() };
  const steps = stepsOf(lower, folded, 'any');
  const key = `folded ${keyOf(lower)}`;
  return steps && { kind: 'text', key, written: writtenOf(match), language: language(steps) };
}

/** The path ends where the query begins. */
function pathText(match: StringMatch): Value | undefined {
  const common = { kind: 'text', key: `path ${keyOf(match)}`, written: writtenOf(match) } as const;
  // No path holds what ends it.
  if (match.kind !== 'present' && /[?#]/.test(match.value)) return { ...common, language: NOTHING };
  const steps = stepsOf(match, literal, 'unqueried');
  return steps && { ...common, language: language(steps, [...literal('?'), many('any')]) };
}

const NOTHING: Language = { steps: [], ends: [false] };

function namespaceText(match: StringMatch, where: 'first' | 'anywhere'): Value | undefined {
  const steps = stepsOf(match, literal, 'unslashed');
  const before = where === 'first' ? [...literal('spiffe://'), one('unslashed'), many('unslashed')] : [many('any')];
  const key = `namespace ${where} ${keyOf(match)}`;
  return (
    steps && {
      kind: 'text',
      key,
      written: writtenOf(match),
      language: language([...before, ...literal('/ns/'), ...steps, ...literal('/'), many('any')]),
    }
  );
}

type Steps = ReturnType<typeof literal>;

/** How a match reads a text; undefined for a regular expression that is more than texts and `.*`. */
function stepsOf(match: StringMatch, textOf: (text: string) => Steps, free: Class): Steps | undefined {
  switch (match.kind) {
    case 'exact':
      return textOf(match.value);
    case 'prefix':
      return [...textOf(match.value), many(free)];
    case 'suffix':
      return [many(free), ...textOf(match.value)];
    case 'present':
      return [one(free), many(free)];
    case 'template':
      return match.value.split(/(\{\*\*\}|\{\*\})/).flatMap((part) => {
        if (part === '{*}') return [one('segment'), many('segment')];
        return part === '{**}' ? [many('segments')] : textOf(part);
      });
    case 'regex':
      return parseGlob(match.value)?.flatMap((piece, at) =>
        at === 0 ? textOf(piece) : [many(free), ...textOf(piece)],
      );
  }
}
