import { admits } from './allowed-namespaces.ts';
import { label, type Labels } from './label-selector.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/**
 * Whether an object goes through a waypoint. `via` says whose label decided: the object's own, or its namespace's.
 * `foreign`: a Gateway that is not ours, whose owner reports for itself.
 */
export type Enrolment =
  | { readonly kind: 'none' }
  | { readonly kind: 'foreign'; readonly via: Via; readonly wanted: string }
  | { readonly kind: 'bound'; readonly via: Via; readonly waypoint: WaypointGateway }
  | { readonly kind: 'refused'; readonly via: Via; readonly wanted: string; readonly reason: RefusalReason };

export type Via = 'own' | 'namespace';

/** Reasons of Istio's condition `istio.io/WaypointBound`. */
export type RefusalReason = 'AttachmentDenied' | 'UnsupportedTrafficType' | 'WaypointIsNotReady';

export interface GatewayLookup {
  readonly waypoints: ReadonlyMap<string, WaypointGateway>;
  /** Keys of Gateways that are not waypoints of ours. */
  readonly others: ReadonlySet<string>;
}

interface Enrollee {
  readonly namespace: string;
  readonly labels: Labels;
  /** Of the object's namespace. */
  readonly namespaceLabels: Labels;
  readonly traffic: 'service' | 'workload';
}

const nobody: Enrolment = { kind: 'none' };

/**
 * Decides as Istio does: the object's own label, else its namespace's; `none` opts out. When the waypoint that the
 * object names does not serve, the namespace's is not used in its place. The objects of a waypoint itself never go
 * through a waypoint.
 */
export function enrol(enrollee: Enrollee, gateways: GatewayLookup): Enrolment {
  if (isGatewayObject(enrollee, gateways)) return nobody;
  const own = wantedWaypoint(enrollee.labels, enrollee.namespace);
  if (own !== undefined) return own === 'none' ? nobody : bind(own, 'own', enrollee, gateways);
  const inherited = wantedWaypoint(enrollee.namespaceLabels, enrollee.namespace);
  return inherited === undefined || inherited === 'none' ? nobody : bind(inherited, 'namespace', enrollee, gateways);
}

/** `namespace/name` of the waypoint that labels name, `none`, or undefined when they say nothing. */
function wantedWaypoint(labels: Labels, namespace: string): string | undefined {
  const name = label(labels, 'istio.io/use-waypoint');
  if (name === undefined || name === '') return undefined;
  return name === 'none' ? 'none' : `${label(labels, 'istio.io/use-waypoint-namespace') || namespace}/${name}`;
}

function bind(wanted: string, via: Via, enrollee: Enrollee, gateways: GatewayLookup): Enrolment {
  const waypoint = gateways.waypoints.get(wanted);
  if (waypoint === undefined && gateways.others.has(wanted)) return { kind: 'foreign', via, wanted };
  if (waypoint === undefined || waypoint.refusal !== undefined) {
    return { kind: 'refused', via, wanted, reason: 'WaypointIsNotReady' };
  }
  const home = waypoint.gateway.metadata.namespace;
  if (!admits(waypoint.allowed, home, enrollee.namespace, enrollee.namespaceLabels)) {
    return { kind: 'refused', via, wanted, reason: 'AttachmentDenied' };
  }
  if (waypoint.traffic !== 'all' && waypoint.traffic !== enrollee.traffic) {
    return { kind: 'refused', via, wanted, reason: 'UnsupportedTrafficType' };
  }
  return { kind: 'bound', via, waypoint };
}

function isGatewayObject(enrollee: Enrollee, gateways: GatewayLookup): boolean {
  if (label(enrollee.labels, 'gateway.istio.io/managed') !== undefined) return true;
  const of = label(enrollee.labels, 'gateway.networking.k8s.io/gateway-name');
  return of !== undefined && gateways.waypoints.has(`${enrollee.namespace}/${of}`);
}
