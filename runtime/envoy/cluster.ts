import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Backend } from '#model/backend.ts';
import {
  ClusterSchema,
  Cluster_DiscoveryType,
  Cluster_LbPolicy,
  Cluster_LbSubsetConfig_LbSubsetFallbackPolicy,
} from '#gen/envoy/config/cluster/v3/cluster_pb.ts';
import { CircuitBreakersSchema } from '#gen/envoy/config/cluster/v3/circuit_breaker_pb.ts';
import type { ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { HttpProtocolOptionsSchema } from '#gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import type { Any } from '@bufbuild/protobuf/wkt';
import { any } from './any.ts';
import { duration, encode, filled } from './encode.ts';
import { CONNECT_ORIGINATE, POD_KEY, WORKLOADS, WORKLOAD_ORIGINATE, WORKLOAD_PLAIN } from './names.ts';
import { CLUSTER, type XdsResource } from './resource.ts';
import { ads } from './source.ts';
import { hole, template, type Template } from './template.ts';
import { internalUpstream, upstreamTls } from './tls.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const HBONE_PORT = 15008;

/** A whole TCP connection lives in one tunnel stream: windows as ztunnel's, a connection holding 16 full streams. */
export const STREAM_WINDOW = 1 << 20;
export const CONNECTION_WINDOW = 16 << 20;
export const BUFFER_LIMIT = 1 << 20;

/** Envoy's default of 1,024 would cut a mesh off under load; limits of a service are its DestinationRule's to set. */
const OPEN = create(CircuitBreakersSchema, {
  thresholds: [{ maxConnections: 65_535, maxPendingRequests: 65_535, maxRequests: 65_535, maxRetries: 65_535 }],
});

const INTERNAL = internalUpstream(false);
const TO_ORIGINATE = internalUpstream(true);

const http2 = {
  initialStreamWindowSize: STREAM_WINDOW,
  initialConnectionWindowSize: CONNECTION_WINDOW,
};

/** HTTP/1.1 callers reach the application by HTTP/1.1 and HTTP/2 callers by HTTP/2, as without a proxy. */
const SAME_AS_CALLER = any(HttpProtocolOptionsSchema, {
  commonHttpProtocolOptions: { idleTimeout: duration(300_000) },
  upstreamProtocolOptions: {
    case: 'useDownstreamProtocolConfig',
    value: { httpProtocolOptions: {}, http2ProtocolOptions: http2 },
  },
});

const ALWAYS_HTTP2 = any(HttpProtocolOptionsSchema, {
  commonHttpProtocolOptions: { idleTimeout: duration(300_000) },
  upstreamProtocolOptions: {
    case: 'explicitHttpConfig',
    value: { protocolConfig: { case: 'http2ProtocolOptions', value: http2 } },
  },
});

const TUNNEL = any(HttpProtocolOptionsSchema, {
  commonHttpProtocolOptions: { idleTimeout: duration(3_600_000) },
  upstreamProtocolOptions: {
    case: 'explicitHttpConfig',
    value: {
      protocolConfig: {
        case: 'http2ProtocolOptions',
        value: {
          ...http2,
          allowConnect: true,
          // As ztunnel allows. Without it a burst overfills a connection whose SETTINGS have not come yet, and the
          // tunnels past the peer's limit are refused.
          maxConcurrentStreams: 100,
          connectionKeepalive: { interval: duration(30_000), timeout: duration(10_000) },
        },
      },
    },
  },
});

const HTTP_PROTOCOLS: Readonly<Record<Backend['protocol'], Readonly<Record<string, Any>>>> = {
  http: { [HTTP_OPTIONS]: SAME_AS_CALLER },
  http2: { [HTTP_OPTIONS]: ALWAYS_HTTP2 },
  tcp: {},
};

/** The bridge from the CONNECT listener to one internal listener; its name is the authority that callers ask for. */
export const bridge = (name: string, listener: string): XdsResource => filled(CLUSTER, name, BRIDGE, [name, listener]);

function toInternalListener(name: string, listener: string): MessageInitShape<typeof ClusterSchema> {
  return {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    connectTimeout: duration(5_000),
    perConnectionBufferLimitBytes: BUFFER_LIMIT,
    circuitBreakers: OPEN,
    transportSocket: INTERNAL,
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [
            {
              hostIdentifier: {
                case: 'endpoint',
                value: {
                  address: {
                    address: {
                      case: 'envoyInternalAddress',
                      value: { addressNameSpecifier: { case: 'serverListenerName', value: listener } },
                    },
                  },
                },
              },
            },
          ],
        },
      ],
    },
  };
}

const BRIDGE = template(ClusterSchema, toInternalListener(hole(0), hole(1)));

const LB_POLICY: Readonly<Record<Backend['loadBalancer'], Cluster_LbPolicy>> = {
  LEAST_REQUEST: Cluster_LbPolicy.LEAST_REQUEST,
  ROUND_ROBIN: Cluster_LbPolicy.ROUND_ROBIN,
  RANDOM: Cluster_LbPolicy.RANDOM,
};

/** A service's own upstream cluster; endpoints by EDS, so that pods coming and going touch nothing else. */
export function backendCluster(backend: Backend): XdsResource {
  const { name, protocol, loadBalancer, connectTimeoutMs } = backend;
  const shape = `${protocol} ${loadBalancer} ${connectTimeoutMs}`;
  let known = backendShapes.get(shape);
  if (known === undefined) backendShapes.set(shape, (known = backendShape(backend)));
  return filled(CLUSTER, name, known, [name]);
}

const backendShapes = new Map<string, Template>();

const backendShape = ({ protocol, loadBalancer, connectTimeoutMs }: Backend): Template =>
  template(ClusterSchema, {
    name: hole(0),
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads() },
    connectTimeout: duration(connectTimeoutMs),
    lbPolicy: LB_POLICY[loadBalancer],
    perConnectionBufferLimitBytes: BUFFER_LIMIT,
    // Better the few endpoints that are known good than all of them: 0 % disables panic routing.
    commonLbConfig: { healthyPanicThreshold: {} },
    circuitBreakers: OPEN,
    transportSocket: TO_ORIGINATE,
    typedExtensionProtocolOptions: HTTP_PROTOCOLS[protocol],
  });

/** The one endpoint of a cluster that leads to a host, by its name or its address. */
export const hostAssignment = (
  clusterName: string,
  address: string,
  portValue: number,
): MessageInitShape<typeof ClusterLoadAssignmentSchema> => ({
  clusterName,
  endpoints: [
    {
      lbEndpoints: [
        {
          hostIdentifier: {
            case: 'endpoint',
            value: {
              address: {
                address: {
                  case: 'socketAddress',
                  value: { address, portSpecifier: { case: 'portValue', value: portValue } },
                },
              },
            },
          },
        },
      ],
    },
  ],
});

/** An authorizer outside of the mesh: no identity, no tunnel; whoever wrote its name into the mesh configuration trusts the way. */
export function outsideCluster(name: string, host: string, portValue: number, protocol: 'http' | 'http2'): XdsResource {
  const cluster = create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STRICT_DNS },
    connectTimeout: duration(10_000),
    perConnectionBufferLimitBytes: BUFFER_LIMIT,
    circuitBreakers: OPEN,
    typedExtensionProtocolOptions: HTTP_PROTOCOLS[protocol],
    loadAssignment: hostAssignment(name, host, portValue),
  });
  return encode(name, ClusterSchema, cluster);
}

/** Where tunnels to destinations start: any address, always port 15008, always mutual TLS. */
export function connectOriginate(trustDomain: string): XdsResource {
  const cluster = create(ClusterSchema, {
    name: CONNECT_ORIGINATE,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    lbConfig: { case: 'originalDstLbConfig', value: { upstreamPortOverride: HBONE_PORT } },
    connectTimeout: duration(10_000),
    cleanupInterval: duration(60_000),
    perConnectionBufferLimitBytes: BUFFER_LIMIT,
    circuitBreakers: OPEN,
    transportSocket: upstreamTls(trustDomain),
    typedExtensionProtocolOptions: { [HTTP_OPTIONS]: TUNNEL },
  });
  return encode(CONNECT_ORIGINATE, ClusterSchema, cluster);
}

/**
 * Clusters of traffic that is addressed to pods: the way in, the way on, and plain TCP for pods without HBONE. The way
 * on has an endpoint for each pod, though all are one listener: it is by the endpoint that metrics know the pod.
 */
export function workloadClusters(): readonly XdsResource[] {
  const onward = create(ClusterSchema, {
    name: WORKLOAD_ORIGINATE,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: ads() },
    connectTimeout: duration(5_000),
    perConnectionBufferLimitBytes: BUFFER_LIMIT,
    commonLbConfig: { healthyPanicThreshold: {} },
    lbSubsetConfig: {
      // TCP is not told apart by routes, and needs not be: every endpoint leads on.
      fallbackPolicy: Cluster_LbSubsetConfig_LbSubsetFallbackPolicy.ANY_ENDPOINT,
      subsetSelectors: [{ keys: [POD_KEY], singleHostPerSubset: true }],
    },
    circuitBreakers: OPEN,
    transportSocket: INTERNAL,
    typedExtensionProtocolOptions: { [HTTP_OPTIONS]: SAME_AS_CALLER },
  });
  const plain = create(ClusterSchema, {
    name: WORKLOAD_PLAIN,
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
    lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
    connectTimeout: duration(10_000),
    cleanupInterval: duration(60_000),
    perConnectionBufferLimitBytes: BUFFER_LIMIT,
    circuitBreakers: OPEN,
  });
  return [
    bridge(WORKLOADS, WORKLOADS),
    encode(WORKLOAD_ORIGINATE, ClusterSchema, onward),
    encode(WORKLOAD_PLAIN, ClusterSchema, plain),
  ];
}
