import {
  ATTRIBUTE_ANY_SERVICE_ACCOUNT,
  ATTRIBUTE_DESTINATION_IP,
  ATTRIBUTE_DESTINATION_PORT,
  ATTRIBUTE_HOST,
  ATTRIBUTE_REQUEST_PRINCIPAL,
  ATTRIBUTE_SERVICE_ACCOUNT,
  STEP_DEPTH,
} from '#abi/authz.ts';
import type { Clause, RequestPrincipalMatch } from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { addressBlock, inBlock } from './address.ts';
import { blockMatch, textMatch, type Match } from './atom.ts';
import type { Atom, Attribute, Attributes } from './attribute.ts';
import { requestPrincipalAtom } from './request-principal.ts';

/** What a program is compiled for. Port 0 and no addresses: not known before the request (traffic to pods). */
export interface AuthzTarget {
  readonly port: number;
  readonly addresses: readonly string[];
  readonly protocol: 'http' | 'tcp';
}

/** One attribute of a request and what it must be: any of `any` (empty: no matter), none of `none`. */
export interface Demand {
  readonly attribute: Attribute;
  readonly any: readonly Atom[];
  readonly none: readonly Atom[];
}

export type Action = 'ALLOW' | 'DENY';

/** What a clause comes to when it does not depend on the request. */
export type Folded = Demand | boolean;

export interface RuleContext {
  readonly action: Action;
  readonly target: AuthzTarget;
  readonly attributes: Attributes;
}

const isEmpty = ({ any, none }: Clause<unknown>): boolean => any.length === 0 && none.length === 0;

/** What only HTTP has holds for no connection of an ALLOW rule, and is not demanded of a DENY rule. */
export function httpClause(
  clause: Clause<unknown> | undefined,
  { action, target }: RuleContext,
  ask: () => Folded,
): Folded {
  if (clause === undefined || isEmpty(clause)) return true;
  return target.protocol === 'tcp' ? action === 'DENY' : ask();
}

/** `name`: of a header. */
export function textClause(
  clause: Clause<StringMatch> | undefined,
  kind: number,
  context: RuleContext,
  name = '',
): Folded {
  return demand(clause, kind, name, context, (match) => textMatch(match, kind === ATTRIBUTE_HOST));
}

/**
 * What is read of an identity counts for an ALLOW rule only where the identity is well-formed, and against it anywhere;
 * for a DENY rule the other way round.
 */
export function identityClauses(
  clause: Clause<StringMatch> | undefined,
  kind: number,
  anyKind: number,
  context: RuleContext,
): readonly Folded[] {
  if (clause === undefined) return [];
  const { any, none } = clause;
  const deny = context.action === 'DENY';
  return [
    textClause({ any, none: [] }, deny ? anyKind : kind, context),
    textClause({ any: [], none }, deny ? kind : anyKind, context),
  ];
}

export function serviceAccountClauses(
  clause: Clause<StringMatch> | undefined,
  context: RuleContext,
): readonly Folded[] {
  if (clause === undefined) return [];
  // As it stands in an identity, so that nothing needs to be copied to compare it.
  const inIdentity = (match: StringMatch): StringMatch =>
    match.kind === 'exact' ? { ...match, value: match.value.replace('/', '/sa/') } : match;
  const { any, none } = clause;
  return identityClauses(
    { any: any.map(inIdentity), none: none.map(inIdentity) },
    ATTRIBUTE_SERVICE_ACCOUNT,
    ATTRIBUTE_ANY_SERVICE_ACCOUNT,
    context,
  );
}

export function requestPrincipalClause(
  clause: Clause<RequestPrincipalMatch> | undefined,
  context: RuleContext,
): Folded {
  return httpClause(clause, context, () =>
    demand(clause, ATTRIBUTE_REQUEST_PRINCIPAL, '', context, requestPrincipalAtom),
  );
}

/** What stands at a place in metadata. Deeper than a filter looks nothing can be asked. */
export function placeClause(
  clause: Clause<StringMatch>,
  kind: number,
  path: readonly string[],
  context: RuleContext,
): Folded {
  const tooDeep = path.length > STEP_DEPTH;
  return demand(clause, kind, JSON.stringify(path), context, (match) =>
    tooDeep ? undefined : textMatch(match, false),
  );
}

export function blockClause(clause: Clause<Cidr> | undefined, kind: number, context: RuleContext): Folded {
  return demand(clause, kind, '', context, blockMatch);
}

function demand<T>(
  clause: Clause<T> | undefined,
  kind: number,
  name: string,
  { action, attributes }: RuleContext,
  matchOf: (value: T) => Match | undefined,
): Folded {
  if (clause === undefined || isEmpty(clause)) return true;
  const any = clause.any.map(matchOf);
  const [only] = any;
  if (any.length === 1 && clause.none.length === 0 && only !== undefined) {
    const attribute = attributes.get(kind, name);
    return { attribute, any: [attribute.atom(only)], none: NO_ATOMS };
  }
  const none = clause.none.map(matchOf);
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

const NO_ATOMS: readonly Atom[] = [];

export const distinct = <T>(values: readonly T[]): readonly T[] => (values.length < 2 ? values : [...new Set(values)]);

export function portClause(clause: Clause<number>, context: RuleContext): Folded {
  const { port } = context.target;
  if (port > 0) {
    return (clause.any.length === 0 || clause.any.includes(port)) && !clause.none.includes(port);
  }
  return demand(clause, ATTRIBUTE_DESTINATION_PORT, '', context, (one) => ({ kind: 'exact', value: String(one) }));
}

/** Decided here when it is the same for all addresses of the target. */
export function destinationClause(clause: Clause<Cidr>, context: RuleContext): Folded {
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
