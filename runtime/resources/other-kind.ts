import type { Problem } from './schema/report.ts';

type Unsupported = Pick<Problem, 'level' | 'effect'>;
type Known = Unsupported | 'elsewhere';

const unused = (effect: string, level: Problem['level'] = 'warning'): Unsupported => ({ level, effect });

const core =
  'Binding ComponentStatus ConfigMap Endpoints Event LimitRange List Node PersistentVolume PersistentVolumeClaim ' +
  'PodTemplate ReplicationController ResourceQuota Secret';

/** Kinds of the groups that we read some of. `elsewhere`: in use, but not by a waypoint. */
const groups: Readonly<Record<string, ReadonlyMap<string, Known>>> = {
  '': new Map(core.split(' ').map((kind) => [kind, 'elsewhere'])),
  'discovery.k8s.io': new Map(),
  'gateway.networking.k8s.io': new Map<string, Known>([
    ['GRPCRoute', unused('calls go to the service as if unrouted')],
    ['TCPRoute', unused('connections go to the service as if unrouted')],
    ['TLSRoute', unused('connections go to the service as if unrouted')],
    ['UDPRoute', 'elsewhere'],
    ['BackendTLSPolicy', unused('requests to the backend are sent without TLS')],
    ['BackendLBPolicy', unused('the default load balancer is used')],
    ['ListenerSet', unused('its listeners are not served')],
  ]),
  'security.istio.io': new Map<string, Known>([['PeerAuthentication', 'elsewhere']]),
  'networking.istio.io': new Map<string, Known>([
    ['EnvoyFilter', unused('the configuration of Envoy stays without it')],
    ['ProxyConfig', 'elsewhere'],
    ['Gateway', 'elsewhere'],
    ['Sidecar', 'elsewhere'],
    ['WorkloadGroup', 'elsewhere'],
  ]),
  'extensions.istio.io': new Map<string, Known>([
    ['WasmPlugin', unused('the plugin is not loaded')],
    ['TrafficExtension', unused('the extension is not loaded')],
  ]),
  'telemetry.istio.io': new Map<string, Known>([['Telemetry', unused('the default metrics and logs stay')]]),
};

/**
 * What we know of a kind that is not read: that a waypoint of Istio would heed it (and what its absence does), that it
 * is none of a waypoint's business, or that its group, which we know, has no such kind.
 */
export function otherKind(group: string, kind: string): Known | 'unknown' {
  if (!Object.hasOwn(groups, group)) return 'elsewhere';
  return groups[group]?.get(kind) ?? 'unknown';
}
