import type { Finding } from '#model/finding.ts';
import { type Target, targetName } from './authz-target.ts';

/** What a policy needs to know of a route: its rules by their names, and where it is in force. */
export interface BoundRoute {
  /** `HTTPRoute/bookinfo/reviews` */
  readonly key: string;
  readonly rules: readonly (string | undefined)[];
  /** The `namespace/name` of every waypoint that has a service with this route. */
  readonly waypoints: readonly string[];
}

/** Rules of a route: `rules` by their numbers, undefined: all of them. */
export interface RouteScope {
  readonly route: string;
  readonly rules: readonly number[] | undefined;
}

/** A route that a policy can be attached to, or why it is not. */
export type RouteTarget =
  | { readonly scope: RouteScope; readonly bound: string }
  | {
      readonly reason: 'TargetNotFound' | 'AncestorNotBound';
      readonly message: string;
      readonly finding: Partial<Finding>;
    };

/** Finds the rules that a target names. A policy of a route goes wherever the route goes. */
export function resolveRoute(target: Target, home: string, routes: ReadonlyMap<string, BoundRoute>): RouteTarget {
  const { kind, name, namespace = home, sectionName } = target;
  const route = routes.get(`${kind}/${namespace}/${name}`);
  if (route === undefined) {
    return notFound(`${kind} ${namespace}/${name} does not exist`, {});
  }
  const rules = sectionName === undefined ? undefined : numbersOf(route, sectionName);
  if (rules?.length === 0) {
    const names = route.rules.filter((each) => each !== undefined);
    return notFound(`${kind} ${namespace}/${name} has no rule named ${sectionName}`, {
      expected: names.length === 0 ? 'a rule with a name' : `one of: ${names.join(', ')}`,
      came: sectionName!,
      next: 'correct sectionName, or give the rule that name',
    });
  }
  if (route.waypoints.length === 0) {
    return {
      reason: 'AncestorNotBound',
      message: `${targetName(target, home)} is attached to no service of a waypoint of ours`,
      finding: { code: 'PTL1209', level: 'warning', next: `correct spec.parentRefs of ${kind} ${namespace}/${name}` },
    };
  }
  return { scope: { route: route.key, rules }, bound: route.waypoints.join(', ') };
}

function notFound(message: string, finding: Partial<Finding>): RouteTarget {
  return { reason: 'TargetNotFound', message, finding: { code: 'PTL1202', level: 'error', ...finding } };
}

const numbersOf = ({ rules }: BoundRoute, name: string): readonly number[] =>
  rules.flatMap((each, index) => (each === name ? [index] : []));
