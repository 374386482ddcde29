import type { Finding } from '#model/finding.ts';
import type { ServicePort } from '#model/waypoint.ts';
import { none } from './memo.ts';

/** A route that asks for claims gets requests only where a RequestAuthentication finds tokens valid. */
export function claimFindings({ service, routes, authn }: ServicePort): readonly Finding[] {
  if (authn !== undefined || !routes.some(({ match }) => match.claims !== undefined)) return none;
  const asking = new Map(
    routes.flatMap(({ match, origin }) => (match.claims && origin ? [[origin.rule, origin]] : [])),
  );
  return [...asking.values()].map(({ kind, namespace, name, rule }) => ({
    code: 'PTL1707',
    level: 'warning',
    resource: { kind, namespace, name },
    path: `spec.http[${rule}].match`,
    message: `${kind} ${name}: http[${rule}] asks for claims, and no RequestAuthentication targets ${service.host}`,
    expected: `a RequestAuthentication with targetRefs: Service ${service.name}`,
    came: 'none',
    effect: 'no request has claims, so those that must be there never are',
    next: `add a RequestAuthentication for Service ${service.name} in namespace ${service.namespace}`,
  }));
}
