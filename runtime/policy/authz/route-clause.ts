import { ATTRIBUTE_ROUTE } from '#abi/authz.ts';
import type { AuthzPolicy } from '#model/authz.ts';
import { textMatch } from './atom.ts';
import type { Atom } from './attribute.ts';
import type { Factor, RuleContext } from './conjunct.ts';

// Policies that are about some routes only. Their rules get one clause more; and where every ALLOW policy is one of
// these, what is on none of their routes is allowed, as it would be without them: a rule that nobody wrote.

/** Stands among the policies of a program for that rule. No policy has this name. */
export const OTHER_ROUTES: AuthzPolicy = { namespace: '', name: '', action: 'ALLOW', rules: [] };

/**
 * What a policy's rules demand of the route. Undefined: they hold for nothing. Of a TCP connection the route cannot be
 * known, which is a reason to deny and none to allow.
 */
export function routeFactors({ routes }: AuthzPolicy, context: RuleContext): readonly Factor[] | undefined {
  if (routes === undefined) return [];
  if (context.target.protocol === 'tcp') return context.action === 'DENY' ? [] : undefined;
  if (routes.length === 0) return undefined;
  const attribute = context.attributes.get(ATTRIBUTE_ROUTE, '');
  return [[[{ attribute, any: atoms(routes, context), none: [] }]]];
}

/** The rule for what is on no route of an ALLOW policy; undefined: there is none, for some ALLOW policy is about all. */
export function otherRoutes(policies: readonly AuthzPolicy[], context: RuleContext): readonly Factor[] | undefined {
  const allow = policies.filter(({ action }) => action === 'ALLOW');
  if (allow.length === 0 || context.target.protocol === 'tcp') return undefined;
  if (allow.some(({ routes }) => routes === undefined)) return undefined;
  const names = new Set(allow.flatMap(({ routes = [] }) => routes));
  if (names.size === 0) return [];
  const attribute = context.attributes.get(ATTRIBUTE_ROUTE, '');
  return [[[{ attribute, any: [], none: atoms([...names], context) }]]];
}

function atoms(names: readonly string[], { attributes }: RuleContext): readonly Atom[] {
  const attribute = attributes.get(ATTRIBUTE_ROUTE, '');
  return [...new Set(names)].map((value) => attribute.atom(textMatch({ kind: 'exact', value }, false)!));
}
