import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import type { ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.ts';
import type { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.ts';
import type { RouteSchema } from '#gen/envoy/config/route/v3/route_components_pb.ts';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { any } from './any.ts';

export const ADMIN_CLUSTER = 'portolan-admin';

export interface BindAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * A listener that shows two pages of the admin socket and nothing else of it: GET /stats/prometheus and GET /ready.
 * Scrapes go on when Envoy is overloaded; that is when they are wanted.
 */
export function prometheusListener({ address, port }: BindAddress): MessageInitShape<typeof ListenerSchema> {
  const hcm = any(HttpConnectionManagerSchema, {
    statPrefix: 'prometheus',
    codecType: HttpConnectionManager_CodecType.HTTP1,
    routeSpecifier: {
      case: 'routeConfig',
      value: {
        name: 'prometheus',
        virtualHosts: [{ name: 'admin', domains: ['*'], routes: [page('/stats/prometheus'), page('/ready')] }],
      },
    },
    httpFilters: [
      {
        name: 'envoy.filters.http.router',
        configType: { case: 'typedConfig', value: any(RouterSchema, {}) },
      },
    ],
    requestHeadersTimeout: durationFromMs(5_000),
    streamIdleTimeout: durationFromMs(30_000),
    commonHttpProtocolOptions: { idleTimeout: durationFromMs(300_000) },
    maxRequestHeadersKb: 8,
  });
  return {
    name: 'prometheus',
    address: socketAddress(address, port),
    perConnectionBufferLimitBytes: 32_768,
    ignoreGlobalConnLimit: true,
    bypassOverloadManager: true,
    filterChains: [
      {
        filters: [
          {
            name: 'envoy.filters.network.http_connection_manager',
            configType: { case: 'typedConfig', value: hcm },
          },
        ],
      },
    ],
  };
}

/** The query is passed on; on these two pages it only selects and formats. */
const page = (path: string): MessageInitShape<typeof RouteSchema> => ({
  match: {
    pathSpecifier: { case: 'path', value: path },
    headers: [
      {
        name: ':method',
        headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern: { case: 'exact', value: 'GET' } } },
      },
    ],
  },
  action: {
    case: 'route',
    value: { clusterSpecifier: { case: 'cluster', value: ADMIN_CLUSTER }, timeout: durationFromMs(10_000) },
  },
});

const socketAddress = (address: string, port: number) => ({
  address: {
    case: 'socketAddress' as const,
    value: { address, portSpecifier: { case: 'portValue' as const, value: port } },
  },
});

/** A cluster of one endpoint on a Unix socket. */
export function pipeCluster(name: string, path: string): MessageInitShape<typeof ClusterSchema> {
  return {
    name,
    connectTimeout: durationFromMs(1_000),
    perConnectionBufferLimitBytes: 32_768,
    loadAssignment: {
      clusterName: name,
      endpoints: [
        {
          lbEndpoints: [
            {
              hostIdentifier: {
                case: 'endpoint',
                value: { address: { address: { case: 'pipe', value: { path } } } },
              },
            },
          ],
        },
      ],
    },
  };
}
