import {
  ATTRIBUTE_ANY_HOST,
  ATTRIBUTE_ANY_NAMESPACE,
  ATTRIBUTE_DESTINATION_IP,
  ATTRIBUTE_DESTINATION_PORT,
  ATTRIBUTE_HEADER,
  ATTRIBUTE_HOST,
  ATTRIBUTE_METHOD,
  ATTRIBUTE_NAMESPACE,
  ATTRIBUTE_PATH,
  ATTRIBUTE_PRINCIPAL,
  ATTRIBUTE_SOURCE_IP,
} from '#abi/authz.ts';
import type { AuthzCondition, AuthzOperation, AuthzRule, AuthzSource, Clause } from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { addressBlock, inBlock } from './address.ts';
import { blockMatch, textMatch, type Match } from './atom.ts';
import type { Atom, Attribute, Attributes } from './attribute.ts';

/** What a program is compiled for. Port 0 and no addresses: not known before the request (traffic to pods). */
export interface AuthzTarget {
  readonly port: number;
  readonly addresses: readonly string[];
  readonly protocol: 'http' | 'tcp';
  /** Requests with several lines of a header that a policy names are refused instead of judged. */
  readonly singleLines?: boolean;
}

/** One attribute of a request and what it must be: any of `any` (empty: no matter), none of `none`. */
export interface Demand {
  readonly attribute: Attribute;
  readonly any: readonly Atom[];
  readonly none: readonly Atom[];
}

/** Demands that must all hold. Empty: always. */
export type Conjunct = readonly Demand[];

/** Alternatives of which one must hold. Empty: never. */
export type Factor = readonly Conjunct[];

export type Action = 'ALLOW' | 'DENY';

/** What a clause comes to when it does not depend on the request. */
type Folded = Demand | boolean;

/**
 * A rule as factors that must all hold: at most one for `from`, one for `to`, one for `when`. Undefined: it can hold
 * for no request to this target. What cannot be expressed, or not be asked in TCP, makes an ALLOW rule hold for
 * fewer requests and a DENY rule for more.
 */
export function ruleFactors(rule: AuthzRule, context: RuleContext): readonly Factor[] | undefined {
  const factors: Factor[] = [];
  const lists: readonly (readonly (Conjunct | undefined)[])[] = [
    rule.from.map((source) => conjunct(sourceClauses(source, context))),
    rule.to.map((operation) => conjunct(operationClauses(operation, context))),
    rule.when.length === 0 ? [] : [conjunct(rule.when.flatMap((condition) => conditionClauses(condition, context)))],
  ];
  for (const list of lists) {
    if (list.length === 0) continue;
    const possible = list.filter((alternative) => alternative !== undefined);
    if (possible.length === 0) return undefined;
    if (possible.some((alternative) => alternative.length === 0)) continue;
    factors.push(mergeAlternatives(possible));
  }
  return factors;
}

export interface RuleContext {
  readonly action: Action;
  readonly target: AuthzTarget;
  readonly attributes: Attributes;
}

function conjunct(clauses: readonly Folded[]): Conjunct | undefined {
  const demands: Demand[] = [];
  for (const clause of clauses) {
    if (clause === false) return undefined;
    if (clause !== true) demands.push(clause);
  }
  return demands;
}

function sourceClauses({ principals, namespaces, ipBlocks }: AuthzSource, context: RuleContext): readonly Folded[] {
  return [
    textClause(principals, ATTRIBUTE_PRINCIPAL, '', context),
    ...namespaceClauses(namespaces, context),
    blockClause(ipBlocks, ATTRIBUTE_SOURCE_IP, context),
  ];
}

function operationClauses({ hosts, methods, paths, ports }: AuthzOperation, context: RuleContext): readonly Folded[] {
  return [
    portClause(ports, context),
    ...readingClauses(hosts, ATTRIBUTE_HOST, ATTRIBUTE_ANY_HOST, context),
    textClause(methods, ATTRIBUTE_METHOD, '', context),
    textClause(paths, ATTRIBUTE_PATH, '', context),
  ];
}

function conditionClauses(condition: AuthzCondition, context: RuleContext): readonly Folded[] {
  switch (condition.key) {
    case 'header': {
      // Envoy keeps Host under its HTTP/2 name.
      const name = condition.header.toLowerCase();
      return [textClause(condition.values, ATTRIBUTE_HEADER, name === 'host' ? ':authority' : name, context)];
    }
    case 'principal':
      return [textClause(condition.values, ATTRIBUTE_PRINCIPAL, '', context)];
    case 'namespace':
      return namespaceClauses(condition.values, context);
    case 'sourceIp':
      return [blockClause(condition.values, ATTRIBUTE_SOURCE_IP, context)];
    case 'destinationIp':
      return [destinationClause(condition.values, context)];
    case 'destinationPort':
      return [portClause(condition.values, context)];
  }
}

const namespaceClauses = (clause: Clause<StringMatch>, context: RuleContext): readonly Folded[] =>
  readingClauses(clause, ATTRIBUTE_NAMESPACE, ATTRIBUTE_ANY_NAMESPACE, context);

/**
 * What can be read in more than one way (a namespace that is found in an identity in several places, a host with and
 * without its port) counts for an ALLOW rule only in its first reading, and against it in any; for a DENY rule the
 * other way round.
 */
function readingClauses(
  { any, none }: Clause<StringMatch>,
  first: number,
  every: number,
  context: RuleContext,
): readonly Folded[] {
  const deny = context.action === 'DENY';
  return [
    textClause({ any, none: [] }, deny ? every : first, '', context),
    textClause({ any: [], none }, deny ? first : every, '', context),
  ];
}

function textClause(clause: Clause<StringMatch>, kind: number, name: string, context: RuleContext): Folded {
  if (clause.any.length === 0 && clause.none.length === 0) return true;
  if (kind >= ATTRIBUTE_HOST && context.target.protocol === 'tcp') return context.action === 'DENY';
  const lowerCase = kind === ATTRIBUTE_HOST || kind === ATTRIBUTE_ANY_HOST;
  return demand(clause, kind, name, context, (match) => textMatch(match, lowerCase));
}

function blockClause(clause: Clause<Cidr>, kind: number, context: RuleContext): Folded {
  return demand(clause, kind, '', context, blockMatch);
}

function demand<T>(
  clause: Clause<T>,
  kind: number,
  name: string,
  { action, attributes }: RuleContext,
  matchOf: (value: T) => Match | undefined,
): Folded {
  if (clause.any.length === 0 && clause.none.length === 0) return true;
  const any = clause.any.map((value) => matchOf(value));
  const none = clause.none.map((value) => matchOf(value));
  // A value that cannot be expressed might match: that is a reason to deny, and none to allow.
  if (action === 'ALLOW' && none.includes(undefined)) return false;
  const known = any.filter((match) => match !== undefined);
  if (action === 'ALLOW' && any.length > 0 && known.length === 0) return false;
  const demanded = action === 'DENY' && any.includes(undefined) ? [] : known;
  const refused = none.filter((match) => match !== undefined);
  if (demanded.length === 0 && refused.length === 0) return true;
  const attribute = attributes.get(kind, name);
  const atomsOf = (matches: readonly Match[]): readonly Atom[] =>
    distinct(matches.map((match) => attribute.atom(match)));
  return { attribute, any: atomsOf(demanded), none: atomsOf(refused) };
}

const distinct = <T>(values: readonly T[]): readonly T[] => (values.length < 2 ? values : [...new Set(values)]);

function portClause(clause: Clause<number>, context: RuleContext): Folded {
  const { port } = context.target;
  if (port > 0) {
    return (clause.any.length === 0 || clause.any.includes(port)) && !clause.none.includes(port);
  }
  return demand(clause, ATTRIBUTE_DESTINATION_PORT, '', context, (one) => ({ kind: 'exact', value: String(one) }));
}

/** Decided here when it is the same for all addresses of the target. */
function destinationClause(clause: Clause<Cidr>, context: RuleContext): Folded {
  const { any, none } = clause;
  const contains = (block: Cidr, address: string): boolean => {
    const whole = addressBlock(block);
    const single = addressBlock({ address, length: address.includes(':') ? 128 : 32 });
    return whole !== undefined && single !== undefined && inBlock(single, whole);
  };
  const verdicts = context.target.addresses.map(
    (address) =>
      (any.length === 0 || any.some((block) => contains(block, address))) &&
      !none.some((block) => contains(block, address)),
  );
  const [first] = verdicts;
  if (first !== undefined && verdicts.every((verdict) => verdict === first)) return first;
  return blockClause(clause, ATTRIBUTE_DESTINATION_IP, context);
}

/** Alternatives that differ in the values of one attribute only are one: any of all the values. */
function mergeAlternatives(alternatives: Factor): Factor {
  const [first, ...others] = alternatives;
  if (first === undefined || others.length === 0) return alternatives;
  let differing = -1;
  for (const other of others) {
    if (other.length !== first.length) return alternatives;
    for (const [index, mine] of first.entries()) {
      const its = other[index];
      if (its === undefined || its.attribute !== mine.attribute) return alternatives;
      if (sameValues(its.any, mine.any) && sameValues(its.none, mine.none)) continue;
      // Values that must not be there cannot be united, and neither can "any value at all".
      if (its.none.length + mine.none.length > 0 || its.any.length === 0 || mine.any.length === 0) return alternatives;
      if (differing !== -1 && differing !== index) return alternatives;
      differing = index;
    }
  }
  if (differing === -1) return [first];
  const any = distinct(alternatives.flatMap((alternative) => alternative[differing]?.any ?? []));
  return [first.map((mine, index) => (index === differing ? { ...mine, any } : mine))];
}

const sameValues = (a: readonly Atom[], b: readonly Atom[]): boolean =>
  a.length === b.length && a.every((atom, index) => atom === b[index]);
