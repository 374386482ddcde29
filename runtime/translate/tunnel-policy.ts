import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import type { InvalidResource } from '#resources/resource.ts';
import { letsWaypointsIn } from './bypass.ts';
import { isWithin } from './enrolled-pods.ts';
import type { Labels } from './label-selector.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

// Layered authorization, Istio's ENABLE_LAYERED_WAYPOINT_AUTHORIZATION_POLICIES: policies for workloads that select the
// waypoint itself decide about tunnels, before there is one. (Those with targetRefs decide inside, and lose nothing by
// it: a service's listener judges a connection before a byte of it goes on.)

/** Whether a policy for workloads selects a waypoint. One that lets only waypoints in is for the pods behind it. */
export function selectsWaypoint(
  { metadata, spec, ...rest }: AuthorizationPolicy,
  waypoint: WaypointGateway,
  rootNamespace: string,
  principals: ReadonlySet<string>,
): boolean {
  if (!reaches(metadata.namespace, waypoint, rootNamespace)) return false;
  if (!isWithin(labelsOf(waypoint), spec.selector?.matchLabels ?? {})) return false;
  return !letsWaypointsIn({ metadata, spec, ...rest }, principals);
}

/** The same of a policy that is not valid; a selector that cannot be read is taken for one that selects everything. */
export function mightSelectWaypoint(
  { ref, raw }: InvalidResource,
  waypoint: WaypointGateway,
  rootNamespace: string,
): boolean {
  if (!reaches(ref.namespace, waypoint, rootNamespace)) return false;
  const written = (raw as { spec?: { selector?: { matchLabels?: unknown } } } | null)?.spec?.selector?.matchLabels;
  if (typeof written !== 'object' || written === null) return true;
  const labels = Object.entries(written).filter((each): each is [string, string] => typeof each[1] === 'string');
  return isWithin(labelsOf(waypoint), Object.fromEntries(labels));
}

const reaches = (namespace: string, { gateway }: WaypointGateway, rootNamespace: string): boolean =>
  namespace === rootNamespace || namespace === gateway.metadata.namespace;

/** Of the waypoint's pods: those of the Gateway's infrastructure, else its own, and what names it. */
function labelsOf({ gateway }: WaypointGateway): Labels {
  const { metadata, spec } = gateway;
  return {
    ...(spec.infrastructure?.labels ?? metadata.labels),
    'gateway.networking.k8s.io/gateway-name': metadata.name,
    'gateway.networking.k8s.io/gateway-class-name': spec.gatewayClassName,
  };
}
