import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { HTTPRoute } from '#resources/http-route.ts';
import { resolveBackends, type Referent, type Referents } from './backend-ref.ts';
import { type Translated, translateRoute } from './http-route.ts';
import { keyOf, push } from './inventory.ts';
import { Memo, step } from './memo.ts';
import { type Parent, type Parents, resolveParent } from './route-parent.ts';
import { byAge } from './route-order.ts';
import { routeStatus } from './route-status.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/** Routes as they are attached to one parent. */
export interface AttachedRoute {
  /** Undefined: every port. */
  readonly port: number | undefined;
  readonly translated: Translated;
}

export interface HttpRoutes {
  /** By the service's `namespace/name`; the oldest first. */
  readonly byService: ReadonlyMap<string, readonly AttachedRoute[]>;
  /** By the waypoint's `namespace/name`; the oldest first. */
  readonly byWaypoint: ReadonlyMap<string, readonly Translated[]>;
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
}

/** Makes the step that attaches HTTPRoutes to services and waypoints. */
export function createHttpRoutes(): (
  all: readonly HTTPRoute[],
  services: Referents['services'],
  grants: Referents['grants'],
  waypointOf: Parents['waypointOf'],
  waypoints: Parents['waypoints'],
) => HttpRoutes {
  const translations = new Memo<Translated>();
  const reports = new Memo<{ readonly status: ResourceStatus | undefined }>();
  const resolutions = new Memo<readonly (readonly Referent[])[]>();

  return step((all, services, grants, waypointOf, waypoints) => {
    const referents = { services, grants };
    const parents = { services, waypointOf, waypoints };
    const byService = new Map<string, AttachedRoute[]>();
    const byWaypoint = new Map<string, Translated[]>();
    const findings: Finding[] = [];
    const statuses: ResourceStatus[] = [];

    for (const route of all.toSorted(byAge)) {
      const key = keyOf(route);
      const verdicts = route.spec.parentRefs.map((_, index) => resolveParent(route, index, parents));
      const inputs = referentInputs(route, referents);
      const resolved = resolutions.get(key, [route, ...inputs], () => resolveBackends(route, referents));
      const translate = (waypoint: WaypointGateway, whole: boolean): Translated => {
        const attached = (service: string): boolean => waypointOf.get(service) === waypoint;
        const neighbours = resolved.flat().map((each) => 'service' in each && attached(each.service.key));
        return translations.get(`${key} ${waypoint.key} ${whole}`, [route, resolved, ...neighbours], () =>
          translateRoute(route, resolved, { attached, whole }),
        );
      };
      const told = new Set<Translated>();
      for (const verdict of verdicts) {
        const translated = attachTo(verdict, translate, byService, byWaypoint);
        if (translated !== undefined && !told.has(translated)) findings.push(...translated.findings);
        if (translated !== undefined) told.add(translated);
        if (verdict.kind === 'refused') findings.push(verdict.finding);
      }
      const summary = verdicts.map((verdict) => (verdict.kind === 'refused' ? verdict.message : verdict.kind));
      const { status } = reports.get(key, [route, resolved, ...summary], () => ({
        status: routeStatus(route, verdicts, resolved),
      }));
      if (status !== undefined) statuses.push(status);
    }
    translations.sweep();
    reports.sweep();
    resolutions.sweep();
    return { byService, byWaypoint, findings, statuses };
  });
}

function attachTo(
  parent: Parent,
  translate: (waypoint: WaypointGateway, whole: boolean) => Translated,
  byService: Map<string, AttachedRoute[]>,
  byWaypoint: Map<string, Translated[]>,
): Translated | undefined {
  switch (parent.kind) {
    case 'service': {
      const translated = translate(parent.waypoint, false);
      push(byService, parent.key, { port: parent.port, translated });
      return translated;
    }
    case 'waypoint': {
      const translated = translate(parent.waypoint, true);
      push(byWaypoint, parent.waypoint.key, translated);
      return translated;
    }
    case 'refused':
    case 'other':
      return undefined;
  }
}

/** What the resolution of a route's references depends on. */
function referentInputs(route: HTTPRoute, { services, grants }: Referents): readonly unknown[] {
  const { namespace } = route.metadata;
  return route.spec.rules.flatMap(({ backendRefs }) =>
    backendRefs.flatMap((ref) => [
      services.get(`${ref.namespace ?? namespace}/${ref.name}`),
      ref.namespace === undefined ? undefined : grants.get(ref.namespace),
    ]),
  );
}
