import type { Backend } from '#model/backend.ts';
import { defaultPolicy, type Destination } from './destination-rule.ts';
import type { KnownEndpoint } from './endpoint.ts';
import { hasLabels } from './label-selector.ts';
import { backendProtocol } from './protocol.ts';
import type { KnownPort, KnownService } from './service.ts';

/** A reference to a Backend by name, with what it takes to make it. Equal names mean equal backends. */
export interface BackendUse {
  readonly name: string;
  readonly service: KnownService;
  readonly port: KnownPort;
  readonly subset: string | undefined;
  /** What is spoken to it, when that is not for the port alone to say. */
  readonly protocol?: Backend['protocol'];
}

/**
 * `inbound-vip|9080|http/v1|<host>` for a service behind the same waypoint, and `outbound|9080|v1|<host>` for any
 * other: the names that Istio's clusters have at a waypoint.
 */
export function useBackend(
  service: KnownService,
  port: KnownPort,
  subset: string | undefined,
  attached: boolean,
): BackendUse {
  const { host } = service.name;
  const protocol = port.protocol === 'tcp' ? 'tcp' : 'http';
  const name = attached
    ? `inbound-vip|${port.port}|${protocol}${subset === undefined ? '' : `/${subset}`}|${host}`
    : `outbound|${port.port}|${subset ?? ''}|${host}`;
  return { name, service, port, subset };
}

/** An external authorizer: a cluster of its own, for gRPC is HTTP/2 whatever the port says of itself. */
export function useProvider(service: KnownService, port: KnownPort, kind: 'http' | 'grpc'): BackendUse {
  const protocol = kind === 'grpc' || port.protocol === 'http2' ? 'http2' : 'http';
  return { name: `ext-authz|${port.port}|${kind}|${service.name.host}`, service, port, subset: undefined, protocol };
}

/** The upstream cluster of a use. A subset that nobody defines has no endpoints. */
export function makeBackend(
  { name, service, port, subset, protocol }: BackendUse,
  endpoints: readonly KnownEndpoint[],
  destination: Destination | undefined,
): Backend {
  const chosen = subset === undefined ? undefined : destination?.subsets.get(subset);
  const members =
    subset === undefined
      ? endpoints
      : endpoints.filter(
          ({ workload }) => chosen !== undefined && workload !== undefined && hasLabels(workload.labels, chosen.labels),
        );
  const policy = chosen?.policy ?? destination?.policy;
  return {
    name,
    service: service.name,
    port: port.port,
    protocol: protocol ?? backendProtocol(port.protocol),
    endpoints: members.map(({ endpoint }) => endpoint),
    connectTimeoutMs: policy?.connectTimeoutMs ?? defaultPolicy.connectTimeoutMs,
    loadBalancer: policy?.loadBalancer ?? defaultPolicy.loadBalancer,
  };
}
