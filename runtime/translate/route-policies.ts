import type { AuthzPolicy } from '#model/authz.ts';
import type { Route } from '#model/route.ts';
import { push } from './inventory.ts';
import { none, Slot } from './memo.ts';
import type { Enforcer } from './policies.ts';
import type { RouteScope } from './route-target.ts';

/** A policy in force for some rules of a route; undefined: for all. */
interface RouteEnforcer {
  readonly enforcer: Enforcer;
  readonly rules: readonly number[] | undefined;
}

/** Policies of routes by the route's key. The same object while none of them changes. */
export type RoutePolicies = ReadonlyMap<string, readonly RouteEnforcer[]>;

/** A policy in force for routes of one service port, by their names. */
export interface ScopedEnforcer {
  readonly enforcer: Enforcer;
  readonly routes: readonly string[];
}

/** Makes the step that files policies under the routes that they are attached to. */
export function createRoutePolicies(): (
  all: readonly { readonly enforcer: Enforcer; readonly scope: RouteScope }[],
) => RoutePolicies {
  const memo = new Slot<RoutePolicies>();
  return (all) =>
    memo.get(
      all.flatMap(({ enforcer, scope }) => [enforcer, scope]),
      () => {
        const found = new Map<string, RouteEnforcer[]>();
        for (const { enforcer, scope } of all) push(found, scope.route, { enforcer, rules: scope.rules });
        return found;
      },
    );
}

/**
 * The policies of the routes of one port. By where each route comes from and not by its name, which two resources could
 * have made alike.
 */
export function scopedEnforcers(routes: readonly Route[], policies: RoutePolicies): readonly ScopedEnforcer[] {
  if (policies.size === 0) return none;
  const found = new Map<Enforcer, string[]>();
  for (const { name, origin } of routes) {
    if (origin === undefined) continue;
    const its = policies.get(`${origin.kind}/${origin.namespace}/${origin.name}`) ?? none;
    for (const { enforcer, rules } of its) {
      const more = rules === undefined || rules.includes(origin.rule);
      if (more && found.get(enforcer)?.at(-1) !== name) push(found, enforcer, name);
    }
  }
  return found.size === 0 ? none : [...found].map(([enforcer, names]) => ({ enforcer, routes: names }));
}

/** As the model has it. One that could not be understood denies everything on its routes, and nothing elsewhere. */
export function scopedPolicy({ enforcer, routes }: ScopedEnforcer): AuthzPolicy {
  const { namespace, name, enforcement } = enforcer;
  if (enforcement.kind === 'enforce') return { ...enforcement.policy, routes };
  return { namespace, name, action: 'DENY', rules: [{ from: none, to: none, when: none }], routes };
}
