import type { Finding } from '#model/finding.ts';
import type { HTTPRoute } from '#resources/http-route.ts';
import { refOf } from './condition.ts';
import type { KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';
import type { Services } from './services.ts';

type ParentRef = HTTPRoute['spec']['parentRefs'][number];

/** What a route can be attached to in the mesh. */
export interface Parents {
  readonly services: Services;
  readonly waypointOf: ReadonlyMap<KnownService, WaypointGateway>;
  readonly waypoints: ReadonlyMap<string, WaypointGateway>;
}

/** The verdict about one parentRef. `other`: an ingress gateway, or one of another controller. */
export type Parent =
  | {
      readonly kind: 'service';
      readonly service: KnownService;
      readonly port: number | undefined;
      readonly waypoint: WaypointGateway;
    }
  | { readonly kind: 'waypoint'; readonly waypoint: WaypointGateway }
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string; readonly finding: Finding }
  | { readonly kind: 'other' };

/** `Service/bookinfo/reviews:9080` */
export function parentName(ref: ParentRef, namespace: string): string {
  const section = ref.sectionName === undefined ? '' : `#${ref.sectionName}`;
  return `${ref.kind}/${ref.namespace ?? namespace}/${ref.name}${ref.port === undefined ? '' : `:${ref.port}`}${section}`;
}

/** Judges one parentRef of a route. */
export function resolveParent(route: HTTPRoute, index: number, parents: Parents): Parent {
  const ref = route.spec.parentRefs[index]!;
  const key = `${ref.namespace ?? route.metadata.namespace}/${ref.name}`;
  switch (`${ref.group}/${ref.kind}`) {
    case '/Service':
      return resolveService(route, index, key, parents);
    case 'gateway.networking.k8s.io/Gateway':
      return resolveWaypoint(route, index, parents.waypoints.get(key));
    default:
      return refuse(route, index, 'NoMatchingParent', `parents of kind ${ref.kind} are not supported`, {
        code: 'PTL1505',
        expected: 'Service or Gateway',
        came: ref.kind,
      });
  }
}

function resolveService(route: HTTPRoute, index: number, key: string, parents: Parents): Parent {
  const ref = route.spec.parentRefs[index]!;
  const service = parents.services.get(ref.namespace ?? route.metadata.namespace, ref.name);
  if (service === undefined) {
    return refuse(route, index, 'NoMatchingParent', `Service ${key} does not exist`, {
      code: 'PTL1202',
      level: 'error',
    });
  }
  const waypoint = parents.waypointOf.get(service);
  if (waypoint === undefined) {
    const { namespace, name } = service.name;
    return refuse(route, index, 'NoMatchingParent', `Service ${key} uses no waypoint of ours`, {
      code: 'PTL1209',
      next: `kubectl label service -n ${namespace} ${name} istio.io/use-waypoint=<waypoint>`,
    });
  }
  const from = route.metadata.namespace;
  if (from !== service.name.namespace && from !== waypoint.gateway.metadata.namespace) {
    return refuse(
      route,
      index,
      'UnsupportedValue',
      `a route of namespace ${from} cannot steer a service of namespace ${service.name.namespace}`,
      {
        code: 'PTL1216',
        expected: `namespace ${service.name.namespace}, or ${waypoint.gateway.metadata.namespace} of its waypoint`,
        came: from,
        next: `move the HTTPRoute to namespace ${service.name.namespace}`,
      },
    );
  }
  return resolvePort(route, index, service, waypoint);
}

/** A section of a Service is one of its ports by name. */
function resolvePort(route: HTTPRoute, index: number, service: KnownService, waypoint: WaypointGateway): Parent {
  const { port, sectionName } = route.spec.parentRefs[index]!;
  if (port === undefined && sectionName === undefined) {
    return { kind: 'service', service, port: undefined, waypoint };
  }
  const found = service.ports.find(
    (each) => (port ?? each.port) === each.port && (sectionName ?? each.name) === each.name,
  );
  if (found === undefined) {
    return refuse(route, index, 'NoMatchingParent', `Service ${service.key} has no port ${port ?? sectionName}`, {
      code: 'PTL1213',
      level: 'error',
      expected: `one of: ${service.ports.map((each) => each.port).join(', ')}`,
      came: String(port ?? sectionName),
    });
  }
  if (found.protocol === 'tcp') {
    return refuse(route, index, 'UnsupportedValue', `port ${found.port} of Service ${service.key} is TCP`, {
      code: 'PTL1506',
      expected: 'an HTTP port',
      came: `${found.name ?? found.port}: TCP`,
      next: 'set appProtocol: http on the port of the Service',
    });
  }
  return { kind: 'service', service, port: found.port, waypoint };
}

/** A route for everything behind a waypoint is a matter of the waypoint's owner: only its own namespace may have one. */
function resolveWaypoint(route: HTTPRoute, index: number, waypoint: WaypointGateway | undefined): Parent {
  if (waypoint === undefined) return { kind: 'other' };
  const home = waypoint.gateway.metadata.namespace;
  if (route.metadata.namespace !== home) {
    return refuse(
      route,
      index,
      'NotAllowedByListeners',
      `only routes of namespace ${home} are for the whole waypoint`,
      {
        code: 'PTL1216',
        expected: home,
        came: route.metadata.namespace,
        next: 'use a Service as the parent',
      },
    );
  }
  const { sectionName, port } = route.spec.parentRefs[index]!;
  const listener = waypoint.gateway.spec.listeners.find(
    (each) => (sectionName ?? each.name) === each.name && (port ?? each.port) === each.port,
  );
  if (listener === undefined) {
    return refuse(route, index, 'NoMatchingParent', `waypoint ${waypoint.key} has no listener ${sectionName ?? port}`, {
      code: 'PTL1202',
      level: 'error',
      expected: `one of: ${waypoint.gateway.spec.listeners.map(({ name }) => name).join(', ')}`,
      came: String(sectionName ?? port),
    });
  }
  return { kind: 'waypoint', waypoint };
}

export function refuse(
  route: HTTPRoute,
  index: number,
  reason: string,
  message: string,
  rest: Partial<Finding> & { readonly code: string },
): Extract<Parent, { kind: 'refused' }> {
  const ref = route.spec.parentRefs[index]!;
  const finding: Finding = {
    level: 'warning',
    resource: refOf(route),
    path: `spec.parentRefs[${index}]`,
    message: `HTTPRoute ${route.metadata.name} is not attached to ${parentName(ref, route.metadata.namespace)}: ${message}`,
    effect: 'the route has no effect there',
    next: 'correct the parentRef',
    ...rest,
  };
  return { kind: 'refused', reason, message, finding };
}
