import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { HTTPRoute } from '#resources/http-route.ts';
import { resolveBackends, type Referent, type Referents } from './backend-ref.ts';
import { type Translated, translateRoute } from './http-route.ts';
import { push } from './inventory.ts';
import { EachMemo, Slot, step } from './memo.ts';
import { type Parent, type Parents, resolveParent } from './route-parent.ts';
import { compare, oldestFirst } from './route-order.ts';
import type { BoundRoute } from './route-target.ts';
import { routeStatus } from './route-status.ts';
import type { KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/** Routes as they are attached to one parent. */
export interface AttachedRoute {
  /** Undefined: every port. */
  readonly port: number | undefined;
  readonly translated: Translated;
}

export interface HttpRoutes {
  /** The oldest first. */
  readonly byService: ReadonlyMap<KnownService, readonly AttachedRoute[]>;
  /** By the waypoint's `namespace/name`; the oldest first. */
  readonly byWaypoint: ReadonlyMap<string, readonly Translated[]>;
  /** Every route by its key, for the policies of routes. The same object while no route changes its rules' names or its place. */
  readonly byName: ReadonlyMap<string, BoundRoute>;
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
}

/** What is remembered of one route: all of it holds as long as its parents and references stay what they are. */
interface Attached {
  readonly parents: readonly Parent[];
  /** For each parent; undefined where it is not attached. */
  readonly translated: readonly (Translated | undefined)[];
  readonly bound: BoundRoute;
  readonly status: ResourceStatus | undefined;
  readonly findings: readonly Finding[];
}

/** Makes the step that attaches HTTPRoutes to services and waypoints. */
export function createHttpRoutes(): (
  all: readonly HTTPRoute[],
  services: Referents['services'],
  grants: Referents['grants'],
  waypointOf: Parents['waypointOf'],
  waypoints: Parents['waypoints'],
) => HttpRoutes {
  const memo = new EachMemo<HTTPRoute, Attached>();
  const names = new Slot<HttpRoutes['byName']>();
  return step((all, services, grants, waypointOf, waypoints) => {
    const around = { services, grants, waypointOf, waypoints };
    const byService = new Map<KnownService, AttachedRoute[]>();
    const byWaypoint = new Map<string, Translated[]>();
    const findings: Finding[] = [];
    const statuses: ResourceStatus[] = [];
    const attached = memo.get(
      all,
      Object.values(around),
      (route) => inputsOf(route, around),
      (route) => attach(route, around),
    );
    for (const result of attached) {
      findings.push(...result.findings);
      if (result.status !== undefined) statuses.push(result.status);
    }
    const ordered = oldestFirst(all);
    const byRoute = ordered === all ? undefined : new Map(all.map((route, index) => [route, attached[index]!]));
    for (const [index, route] of ordered.entries()) {
      const { parents, translated } = byRoute?.get(route) ?? attached[index]!;
      parents.forEach((parent, index) => {
        const routes = translated[index];
        if (routes === undefined) return;
        if (parent.kind === 'service') push(byService, parent.service, { port: parent.port, translated: routes });
        if (parent.kind === 'waypoint') push(byWaypoint, parent.waypoint.key, routes);
      });
    }
    const bound = attached.map((each) => each.bound);
    const byName = names.get(bound, () => new Map(bound.map((each) => [each.key, each])));
    return { byService, byWaypoint, byName, findings, statuses };
  });
}

type Around = Referents & Parents;

function attach(route: HTTPRoute, around: Around): Attached {
  const parents = route.spec.parentRefs.map((_, index) => resolveParent(route, index, around));
  const referents = resolveBackends(route, around);
  // Several ports or services of one waypoint share a translation, and so also its routes.
  const known = new Map<string, Translated>();
  const translated = parents.map((parent) => {
    if (parent.kind !== 'service' && parent.kind !== 'waypoint') return undefined;
    const whole = parent.kind === 'waypoint';
    const key = `${parent.waypoint.key} ${whole}`;
    const made = known.get(key) ?? translate(route, referents, parent.waypoint, whole, around);
    known.set(key, made);
    return made;
  });
  const refused = parents.flatMap((parent) => (parent.kind === 'refused' ? [parent.finding] : []));
  return {
    parents,
    translated,
    bound: {
      key: `${route.kind}/${route.metadata.namespace}/${route.metadata.name}`,
      rules: route.spec.rules.map(({ name }) => name),
      waypoints: waypointsOf(parents),
    },
    status: routeStatus(route, parents, referents),
    findings: [...[...known.values()].flatMap(({ findings }) => findings), ...refused],
  };
}

const waypointsOf = (parents: readonly Parent[]): readonly string[] =>
  [...new Set(parents.flatMap((parent) => ('waypoint' in parent ? [parent.waypoint.key] : [])))].sort(compare);

function translate(
  route: HTTPRoute,
  referents: readonly (readonly Referent[])[],
  waypoint: WaypointGateway,
  whole: boolean,
  { waypointOf }: Around,
): Translated {
  return translateRoute(route, referents, { whole, attached: (service) => waypointOf.get(service) === waypoint });
}

/** Everything that `attach` looks up: as long as it is the same, so is the outcome. */
function inputsOf(route: HTTPRoute, { services, grants, waypointOf, waypoints }: Around): readonly unknown[] {
  const { namespace } = route.metadata;
  const inputs: unknown[] = [route];
  const addService = (ref: { readonly namespace?: string; readonly name: string }): void => {
    const service = services.get(ref.namespace ?? namespace, ref.name);
    inputs.push(service, service === undefined ? undefined : waypointOf.get(service));
  };
  for (const ref of route.spec.parentRefs) {
    if (ref.kind === 'Service') addService(ref);
    else inputs.push(waypoints.get(`${ref.namespace ?? namespace}/${ref.name}`));
  }
  for (const { backendRefs } of route.spec.rules) {
    for (const ref of backendRefs) {
      addService(ref);
      if (ref.namespace !== undefined) inputs.push(grants.get(ref.namespace));
    }
  }
  return inputs;
}
