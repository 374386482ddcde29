import { create } from '@bufbuild/protobuf';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { TrafficDirection } from '#gen/envoy/config/core/v3/base_pb.ts';
import { ListenerSchema, type Listener } from '#gen/envoy/config/listener/v3/listener_pb.ts';
import {
  FilterChainMatchSchema,
  FilterChainSchema,
  FilterSchema,
  ListenerFilterSchema,
  type Filter,
  type FilterChain,
  type ListenerFilter,
} from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import { HttpInspectorSchema } from '#gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts';
import { OriginalDstSchema } from '#gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts';
import { TlsInspectorSchema } from '#gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts';
import { TcpProxySchema } from '#gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import { BUFFER_LIMIT } from './cluster.ts';
import { connectTermination } from './connect.ts';
import { any } from './any.ts';
import { duration, encode, filled } from './encode.ts';
import { httpFilters, tcpAuthzFilter } from './filter.ts';
import { httpConnection } from './http-connection.ts';
import { CONNECT_TERMINATE } from './names.ts';
import type { EmitOptions } from './options.ts';
import { serviceLine, setParties } from './parties.ts';
import { LISTENER, type XdsResource } from './resource.ts';
import { hole, template, type Template } from './template.ts';
import { downstreamTls } from './tls.ts';

/** Takes the addresses of a connection from the filter state or endpoint metadata that came with it. */
export const ORIGINAL_DST_FILTER: ListenerFilter = create(ListenerFilterSchema, {
  name: 'envoy.filters.listener.original_dst',
  configType: { case: 'typedConfig', value: any(OriginalDstSchema, {}) },
});

const HTTP_INSPECTOR: ListenerFilter = create(ListenerFilterSchema, {
  name: 'envoy.filters.listener.http_inspector',
  configType: { case: 'typedConfig', value: any(HttpInspectorSchema, {}) },
});

/** Policies may ask for the server name of TLS that passes through. */
const TLS_INSPECTOR: ListenerFilter = create(ListenerFilterSchema, {
  name: 'envoy.filters.listener.tls_inspector',
  configType: { case: 'typedConfig', value: any(TlsInspectorSchema, {}) },
});

const HTTP_PROTOCOLS = ['http/1.0', 'http/1.1', 'h2c'];

/** HBONE's door: the one listener with a socket. */
export function connectTerminate(waypoint: Waypoint, options: EmitOptions): XdsResource {
  const listener = create(ListenerSchema, {
    name: CONNECT_TERMINATE,
    trafficDirection: TrafficDirection.INBOUND,
    address: {
      address: {
        case: 'socketAddress',
        value: { address: options.bind.address, portSpecifier: { case: 'portValue', value: options.bind.port } },
      },
    },
    perConnectionBufferLimitBytes: BUFFER_LIMIT,
    // Callers pool many streams on few connections; without this one worker could get them all.
    connectionBalanceConfig: { balanceType: { case: 'exactBalance', value: {} } },
    filterChains: [
      {
        name: 'hbone',
        transportSocket: downstreamTls(waypoint),
        transportSocketConnectTimeout: duration(10_000),
        filters: [
          connectTermination(
            [waypoint.trustDomain, ...waypoint.trustDomainAliases],
            options,
            waypoint.tunnelAuthz !== undefined,
          ),
        ],
      },
    ],
  });
  return encode(CONNECT_TERMINATE, ListenerSchema, listener);
}

/** Makes the listeners of service ports by their names: the world of one service port, behind its bridge cluster. */
export function serviceListeners(
  options: EmitOptions,
  providers: readonly string[],
): (name: string, port: ServicePort) => XdsResource {
  const name = hole(0);
  const http = create(FilterChainSchema, {
    name: 'http',
    filters: httpChain(name, hole(2), providers, options),
  });
  const tcp = create(FilterChainSchema, { name: 'tcp', filters: [tcpAuthzFilter(name), tcpProxy(name, hole(1))] });
  const shape = (protocol: ServicePort['protocol'] | 'tls'): Template =>
    template(ListenerSchema, internalListener(name, protocol, http, tcp));
  const shapes = {
    http: shape('http'),
    http2: shape('http2'),
    tcp: shape('tcp'),
    tls: shape('tls'),
    detect: shape('detect'),
  };
  const shapeOf = ({ protocol, tls }: ServicePort): Template => shapes[tls && protocol === 'tcp' ? 'tls' : protocol];
  return (name, port) => filled(LISTENER, name, shapeOf(port), [name, port.backend, serviceLine(port.service)]);
}

/** The network filters of HTTP inside a tunnel. `service`: its line for the metrics filter. */
export const httpChain = (
  name: string,
  service: string,
  providers: readonly string[],
  options: EmitOptions,
  without = options.without,
): Filter[] => [
  ...(without?.includes('metrics') ? [] : [setParties(service)]),
  httpConnection(name, httpFilters(name, providers, without), options),
];

/**
 * An internal listener for HTTP, for TCP, or for both, told apart by the first bytes. A protocol in which the server
 * speaks first sends none: after a short wait such a connection is TCP.
 */
export function internalListener(
  name: string,
  protocol: ServicePort['protocol'] | 'tls',
  http: FilterChain,
  tcp: FilterChain,
): Listener {
  const base = {
    name,
    trafficDirection: TrafficDirection.INBOUND,
    listenerSpecifier: { case: 'internalListener' as const, value: {} },
    perConnectionBufferLimitBytes: BUFFER_LIMIT,
  };
  switch (protocol) {
    case 'http':
    case 'http2':
      return create(ListenerSchema, { ...base, listenerFilters: [ORIGINAL_DST_FILTER], filterChains: [http] });
    case 'tcp':
      return create(ListenerSchema, { ...base, listenerFilters: [ORIGINAL_DST_FILTER], filterChains: [tcp] });
    case 'tls':
      // Who speaks no TLS after all passes without a name; who says nothing must not, or a name could be held back.
      return create(ListenerSchema, {
        ...base,
        listenerFilters: [ORIGINAL_DST_FILTER, TLS_INSPECTOR],
        listenerFiltersTimeout: duration(15_000),
        filterChains: [tcp],
      });
    case 'detect':
      return create(ListenerSchema, {
        ...base,
        listenerFilters: [ORIGINAL_DST_FILTER, HTTP_INSPECTOR],
        listenerFiltersTimeout: duration(300),
        continueOnListenerFiltersTimeout: true,
        filterChains: [
          create(FilterChainSchema, {
            ...http,
            filterChainMatch: create(FilterChainMatchSchema, { applicationProtocols: HTTP_PROTOCOLS }),
          }),
        ],
        defaultFilterChain: tcp,
      });
  }
}

export const tcpProxy = (statPrefix: string, cluster: string): Filter =>
  create(FilterSchema, {
    name: 'envoy.filters.network.tcp_proxy',
    configType: {
      case: 'typedConfig',
      value: any(TcpProxySchema, {
        statPrefix,
        clusterSpecifier: { case: 'cluster', value: cluster },
        // As long as either side is there: databases keep quiet connections for days, and keepalive finds dead peers.
        idleTimeout: duration(0),
      }),
    },
  });
