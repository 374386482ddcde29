import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { BootstrapSchema, type Bootstrap } from '#gen/envoy/config/bootstrap/v3/bootstrap_pb.ts';
import type { ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.ts';
import {
  ApiConfigSource_ApiType,
  ApiVersion,
  type ConfigSourceSchema,
} from '#gen/envoy/config/core/v3/config_source_pb.ts';
import type { StatsMatcherSchema } from '#gen/envoy/config/metrics/v3/stats_pb.ts';
import { InternalListenerSchema } from '#gen/envoy/extensions/bootstrap/internal_listener/v3/internal_listener_pb.ts';
import { HttpProtocolOptionsSchema } from '#gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import { any } from './any.ts';
import { overload, RUNTIME_LIMITS, watchdogs } from './limits.ts';
import { ADMIN_CLUSTER, pipeCluster, prometheusListener, type BindAddress } from './prometheus.ts';

const XDS_CLUSTER = 'portolan-xds';

export interface BootstrapOptions {
  /** The waypoint that this Envoy is. */
  readonly namespace: string;
  readonly name: string;
  /** Tells apart the Envoys of one waypoint; the same after a restart, or a running Envoy is not found again. */
  readonly instance: string;
  /** Unix sockets: ours that serves ADS, and Envoy's that serves its admin interface. */
  readonly xdsSocket: string;
  readonly adminSocket: string;
  /** Where Prometheus scrapes; nowhere when absent. */
  readonly prometheus?: BindAddress;
  /** Envoy's own heap; V8's comes on top. `heapLimit()` says what fits this machine. */
  readonly maxHeapBytes: number;
  /** Makes labels of parts of the names of statistics. */
  readonly statsTags?: readonly { readonly tagName: string; readonly regex: string }[];
  /** More runtime keys (`envoy.reloadable_features.…`); those of our limits may be replaced as well. */
  readonly runtime?: Readonly<Record<string, boolean | number>>;
  /** Which statistics there are; all when absent. */
  readonly statsMatcher?: MessageInitShape<typeof StatsMatcherSchema>;
}

/** `waypoint~<namespace>/<name>~<instance>`: what the xDS server reads to know which waypoint asks. */
const nodeId = ({ namespace, name, instance }: Pick<BootstrapOptions, 'namespace' | 'name' | 'instance'>): string =>
  `waypoint~${namespace}/${name}~${instance}`;

/**
 * What Envoy starts with; everything else comes over ADS. Until the first listeners and clusters came it is not ready,
 * however long that takes: an Envoy without configuration must not look healthy. Equal options give equal bytes.
 */
export function bootstrap(options: BootstrapOptions): Bootstrap {
  return create(BootstrapSchema, {
    node: { id: nodeId(options), cluster: `${options.namespace}/${options.name}` },
    admin: {
      address: { address: { case: 'pipe', value: { path: options.adminSocket, mode: 0o600 } } },
      ignoreGlobalConnLimit: true,
    },
    staticResources: {
      listeners: options.prometheus ? [prometheusListener(options.prometheus)] : [],
      clusters: [xdsCluster(options.xdsSocket), pipeCluster(ADMIN_CLUSTER, options.adminSocket)],
    },
    dynamicResources: {
      ldsConfig: byAds(),
      cdsConfig: byAds(),
      adsConfig: {
        apiType: ApiConfigSource_ApiType.DELTA_GRPC,
        transportApiVersion: ApiVersion.V3,
        setNodeOnFirstMessageOnly: true,
        grpcServices: [
          {
            targetSpecifier: {
              case: 'envoyGrpc',
              value: {
                clusterName: XDS_CLUSTER,
                // A runtime that comes back is found again soon.
                retryPolicy: {
                  retryBackOff: { baseInterval: durationFromMs(200), maxInterval: durationFromMs(2_000) },
                },
              },
            },
          },
        ],
      },
    },
    bootstrapExtensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typedConfig: any(InternalListenerSchema, { bufferSizeKb: 64 }),
      },
    ],
    overloadManager: overload(options.maxHeapBytes),
    watchdogs: watchdogs(),
    layeredRuntime: {
      layers: [
        { name: 'limits', layerSpecifier: { case: 'staticLayer', value: { ...RUNTIME_LIMITS, ...options.runtime } } },
      ],
    },
    statsConfig: {
      // Envoy's own tags give its statistics cluster and listener labels, which dashboards for Envoy expect.
      useAllDefaultTags: true,
      statsTags: (options.statsTags ?? []).map(({ tagName, regex }) => ({
        tagName,
        tagValue: { case: 'regex' as const, value: regex },
      })),
      ...(options.statsMatcher && { statsMatcher: options.statsMatcher }),
    },
    // A cluster without traffic then costs 10,000 services no 100 counters each.
    deferredStatOptions: { enableDeferredCreationStats: true },
  });
}

const byAds = (): MessageInitShape<typeof ConfigSourceSchema> => ({
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
  initialFetchTimeout: durationFromMs(0),
});

function xdsCluster(path: string): MessageInitShape<typeof ClusterSchema> {
  const http2 = any(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: {
        protocolConfig: {
          case: 'http2ProtocolOptions',
          value: {
            // A runtime that hangs is left for its successor.
            connectionKeepalive: { interval: durationFromMs(30_000), timeout: durationFromMs(20_000) },
            initialStreamWindowSize: 1 << 20,
            initialConnectionWindowSize: 1 << 20,
          },
        },
      },
    },
  });
  return {
    ...pipeCluster(XDS_CLUSTER, path),
    typedExtensionProtocolOptions: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2,
    },
  };
}
