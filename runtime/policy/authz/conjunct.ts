import {
  ATTRIBUTE_ANY_HOST,
  ATTRIBUTE_ANY_NAMESPACE,
  ATTRIBUTE_HEADER,
  ATTRIBUTE_HOST,
  ATTRIBUTE_METADATA,
  ATTRIBUTE_METADATA_LIST,
  ATTRIBUTE_METADATA_TEXT,
  ATTRIBUTE_METHOD,
  ATTRIBUTE_NAMESPACE,
  ATTRIBUTE_PATH,
  ATTRIBUTE_PRINCIPAL,
  ATTRIBUTE_REMOTE_IP,
  ATTRIBUTE_SNI,
  ATTRIBUTE_SOURCE_IP,
  ATTRIBUTE_TRUST_DOMAIN,
} from '#abi/authz.ts';
import type { AuthzCondition, AuthzOperation, AuthzRule, AuthzSource, Clause, MetadataMatch } from '#model/authz.ts';
import type { StringMatch } from '#model/match.ts';
import type { Atom } from './attribute.ts';
import {
  blockClause,
  destinationClause,
  distinct,
  httpClause,
  identityClauses,
  placeClause,
  portClause,
  requestPrincipalClause,
  serviceAccountClauses,
  textClause,
  type Demand,
  type Folded,
  type RuleContext,
} from './clause.ts';
import { claimPath } from './token.ts';

export type { AuthzTarget, Demand, RuleContext } from './clause.ts';

/** Demands that must all hold. Empty: always. */
export type Conjunct = readonly Demand[];

/** Alternatives of which one must hold. Empty: never. */
export type Factor = readonly Conjunct[];

/**
 * A rule as factors that must all hold: one for `from`, one for `to`, one for `when`, as far as they demand anything. Undefined: it can hold
 * for no request to this target. What cannot be expressed, or not be asked in TCP, makes an ALLOW rule hold for
 * fewer requests and a DENY rule for more.
 */
export function ruleFactors(rule: AuthzRule, context: RuleContext): readonly Factor[] | undefined {
  const { from, to, when } = rule;
  const lists: readonly (readonly (Conjunct | undefined)[])[] = [
    ...when.map((condition) => metadataAlternatives(condition, context)),
    from.map((source) => conjunct(sourceClauses(source, context))),
    to.map((operation) => conjunct(operationClauses(operation, context))),
    when.length === 0 ? NEVER : [conjunct(when.flatMap((condition) => conditionClauses(condition, context)))],
  ];
  const factors: Factor[] = [];
  for (const list of lists) {
    if (list.length === 0) continue;
    const possible = list.includes(undefined) ? list.filter((alternative) => alternative !== undefined) : list;
    if (possible.length === 0) return undefined;
    if (possible.some(demandsNothing)) continue;
    factors.push(mergeAlternatives(possible as Factor));
  }
  return factors;
}

const NEVER: Factor = [];

const demandsNothing = (alternative: Conjunct | undefined): boolean => alternative?.length === 0;

function conjunct(clauses: readonly Folded[]): Conjunct | undefined {
  const demands: Demand[] = [];
  for (const clause of clauses) {
    if (clause === false) return undefined;
    if (clause !== true) demands.push(clause);
  }
  return demands;
}

function sourceClauses(source: AuthzSource, context: RuleContext): readonly Folded[] {
  const { principals, namespaces, serviceAccounts, trustDomains, requestPrincipals } = source;
  return [
    textClause(principals, ATTRIBUTE_PRINCIPAL, context),
    ...identityClauses(namespaces, ATTRIBUTE_NAMESPACE, ATTRIBUTE_ANY_NAMESPACE, context),
    ...serviceAccountClauses(serviceAccounts, context),
    textClause(trustDomains, ATTRIBUTE_TRUST_DOMAIN, context),
    requestPrincipalClause(requestPrincipals, context),
    blockClause(source.ipBlocks, ATTRIBUTE_SOURCE_IP, context),
    blockClause(source.remoteIpBlocks, ATTRIBUTE_REMOTE_IP, context),
  ];
}

function operationClauses({ hosts, methods, paths, ports }: AuthzOperation, context: RuleContext): readonly Folded[] {
  return [
    portClause(ports, context),
    ...hostClauses(hosts, context),
    httpClause(methods, context, () => textClause(methods, ATTRIBUTE_METHOD, context)),
    httpClause(paths, context, () => textClause(paths, ATTRIBUTE_PATH, context)),
  ];
}

function conditionClauses(condition: AuthzCondition, context: RuleContext): readonly Folded[] {
  switch (condition.key) {
    case 'header': {
      const { header, values } = condition;
      // Envoy keeps Host under its HTTP/2 name.
      const name = header.toLowerCase() === 'host' ? ':authority' : header.toLowerCase();
      return [httpClause(values, context, () => textClause(values, ATTRIBUTE_HEADER, context, name))];
    }
    case 'principal':
      return [textClause(condition.values, ATTRIBUTE_PRINCIPAL, context)];
    case 'namespace':
      return identityClauses(condition.values, ATTRIBUTE_NAMESPACE, ATTRIBUTE_ANY_NAMESPACE, context);
    case 'serviceAccount':
      return serviceAccountClauses(condition.values, context);
    case 'trustDomain':
      return [textClause(condition.values, ATTRIBUTE_TRUST_DOMAIN, context)];
    case 'requestPrincipal':
      return [requestPrincipalClause(condition.values, context)];
    case 'claim': {
      const { claim, values } = condition;
      const ask = (): Folded => placeClause(values, ATTRIBUTE_METADATA, claimPath(claim), context);
      return [httpClause(values, context, ask)];
    }
    case 'metadata':
      return metadataClauses(condition, context);
    case 'sni':
      return [textClause(condition.values, ATTRIBUTE_SNI, context)];
    case 'sourceIp':
      return [blockClause(condition.values, ATTRIBUTE_SOURCE_IP, context)];
    case 'remoteIp':
      return [blockClause(condition.values, ATTRIBUTE_REMOTE_IP, context)];
    case 'destinationIp':
      return [destinationClause(condition.values, context)];
    case 'destinationPort':
      return [portClause(condition.values, context)];
  }
}

/** A host has several readings, with and without the port of http: see identityClauses. */
const hostClauses = (hosts: Clause<StringMatch>, context: RuleContext): readonly Folded[] =>
  context.target.protocol === 'tcp'
    ? [httpClause(hosts, context, () => true)]
    : identityClauses(hosts, ATTRIBUTE_HOST, ATTRIBUTE_ANY_HOST, context);

type MetadataCondition = Extract<AuthzCondition, { readonly key: 'metadata' }>;

/** All that a condition on metadata demands, but for what is an alternative (below). */
function metadataClauses({ filter, name, values }: MetadataCondition, context: RuleContext): readonly Folded[] {
  const texts = matchesOf(values, false);
  const lists = matchesOf(values, true);
  const either = texts.any.length > 0 && lists.any.length > 0;
  const without = ({ any, none }: Clause<StringMatch>): Clause<StringMatch> => ({ any: either ? [] : any, none });
  return [
    placeClause(without(texts), ATTRIBUTE_METADATA_TEXT, [filter, name], context),
    placeClause(without(lists), ATTRIBUTE_METADATA_LIST, [filter, name], context),
  ];
}

/** A condition that takes a text or something in a list is two alternatives, about two attributes. */
function metadataAlternatives(condition: AuthzCondition, context: RuleContext): readonly (Conjunct | undefined)[] {
  if (condition.key !== 'metadata') return [];
  const { filter, name, values } = condition;
  const texts = matchesOf(values, false).any;
  const lists = matchesOf(values, true).any;
  if (texts.length === 0 || lists.length === 0) return [];
  const ask = (any: readonly StringMatch[], kind: number): Conjunct | undefined =>
    conjunct([placeClause({ any, none: [] }, kind, [filter, name], context)]);
  return [ask(texts, ATTRIBUTE_METADATA_TEXT), ask(lists, ATTRIBUTE_METADATA_LIST)];
}

function matchesOf({ any, none }: Clause<MetadataMatch>, inList: boolean): Clause<StringMatch> {
  const of = (values: readonly MetadataMatch[]): readonly StringMatch[] =>
    values.filter(({ list }) => list === inList).map(({ match }) => match);
  return { any: of(any), none: of(none) };
}

/** Alternatives that differ in the values of one attribute only are one: any of all the values. */
function mergeAlternatives(alternatives: Factor): Factor {
  if (alternatives.length < 2) return alternatives;
  const [first = [], ...others] = alternatives;
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
