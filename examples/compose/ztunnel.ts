import { create, toJson, type DescMessage, type JsonValue, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { BootstrapSchema } from '#gen/envoy/config/bootstrap/v3/bootstrap_pb.ts';
import { Cluster_DiscoveryType, type ClusterSchema } from '#gen/envoy/config/cluster/v3/cluster_pb.ts';
import type { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.ts';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManagerSchema,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { TcpProxySchema } from '#gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import {
  SubjectAltNameMatcher_SanType,
  TlsParameters_TlsProtocol,
} from '#gen/envoy/extensions/transport_sockets/tls/v3/common_pb.ts';
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '#gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
import { HttpProtocolOptionsSchema } from '#gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts';
import { registry } from '#gen/registry.ts';

/**
 * A stock Envoy in the place of ztunnel, beside one application: it ends HBONE for the application on 15008, and
 * carries the application's calls to services to their waypoint. The application speaks plain TCP to loopback.
 */
export interface Ztunnel {
  /** Folder with tls.crt, tls.key and root.crt of the workload's own identity. */
  readonly certificates: string;
  /** Ports of the application that callers may ask for, on the pod's own address. */
  readonly inbound: { readonly address: string; readonly ports: readonly number[] };
  /** Services that the application calls: a loopback port each, carried to the waypoint under the service's address. */
  readonly outbound: readonly { readonly localPort: number; readonly authority: string }[];
  readonly waypoint: { readonly address: string; readonly identity: string };
  readonly trustDomain: string;
}

const HBONE_PORT = 15008;

const typed = <S extends DescMessage>(schema: S, init: MessageInitShape<S>) => anyPack(schema, create(schema, init));

const socketAddress = (address: string, port: number) => ({
  address: {
    case: 'socketAddress' as const,
    value: { address, portSpecifier: { case: 'portValue' as const, value: port } },
  },
});

const tls = (certificates: string, peer: { kind: 'prefix' | 'exact'; value: string }) => ({
  tlsParams: {
    tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
    tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3,
  },
  alpnProtocols: ['h2'],
  tlsCertificates: [
    {
      certificateChain: { specifier: { case: 'filename' as const, value: `${certificates}/tls.crt` } },
      privateKey: { specifier: { case: 'filename' as const, value: `${certificates}/tls.key` } },
    },
  ],
  validationContextType: {
    case: 'validationContext' as const,
    value: {
      trustedCa: { specifier: { case: 'filename' as const, value: `${certificates}/root.crt` } },
      matchTypedSubjectAltNames: [
        {
          sanType: SubjectAltNameMatcher_SanType.URI,
          matcher: { matchPattern: { case: peer.kind, value: peer.value } },
        },
      ],
    },
  },
});

/** Ends HBONE: CONNECT to the pod's own address and one of its ports, from any identity of the trust domain. */
function inboundListener({ certificates, inbound, trustDomain }: Ztunnel): MessageInitShape<typeof ListenerSchema> {
  const routes = inbound.ports.map((port) => ({
    match: {
      pathSpecifier: { case: 'connectMatcher' as const, value: {} },
      headers: [
        {
          name: ':authority',
          headerMatchSpecifier: {
            case: 'stringMatch' as const,
            value: { matchPattern: { case: 'exact' as const, value: `${inbound.address}:${port}` } },
          },
        },
      ],
    },
    action: {
      case: 'route' as const,
      value: {
        clusterSpecifier: { case: 'cluster' as const, value: `app-${port}` },
        timeout: { seconds: 0n },
        upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
      },
    },
  }));
  const connection = typed(HttpConnectionManagerSchema, {
    statPrefix: 'inbound',
    codecType: HttpConnectionManager_CodecType.HTTP2,
    routeSpecifier: { case: 'routeConfig', value: { virtualHosts: [{ name: 'pod', domains: ['*'], routes }] } },
    httpFilters: [{ name: 'router', configType: { case: 'typedConfig', value: typed(RouterSchema, {}) } }],
    upgradeConfigs: [{ upgradeType: 'CONNECT' }],
    streamIdleTimeout: { seconds: 0n },
    http2ProtocolOptions: { allowConnect: true },
  });
  const context = typed(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: tls(certificates, { kind: 'prefix', value: `spiffe://${trustDomain}/` }),
  });
  return {
    name: 'inbound',
    address: socketAddress('0.0.0.0', HBONE_PORT),
    filterChains: [
      {
        transportSocket: { name: 'tls', configType: { case: 'typedConfig', value: context } },
        filters: [{ name: 'hcm', configType: { case: 'typedConfig', value: connection } }],
      },
    ],
  };
}

/** Carries what the application sends to a loopback port into a tunnel of the service's own address. */
function outboundListener({
  localPort,
  authority,
}: Ztunnel['outbound'][number]): MessageInitShape<typeof ListenerSchema> {
  const proxy = typed(TcpProxySchema, {
    statPrefix: 'outbound',
    clusterSpecifier: { case: 'cluster', value: 'waypoint' },
    tunnelingConfig: { hostname: authority },
    idleTimeout: { seconds: 0n },
  });
  return {
    name: `outbound-${authority}`,
    address: socketAddress('127.0.0.1', localPort),
    filterChains: [{ filters: [{ name: 'tcp', configType: { case: 'typedConfig', value: proxy } }] }],
  };
}

const endpoint = (address: string, port: number) => ({
  lbEndpoints: [{ hostIdentifier: { case: 'endpoint' as const, value: { address: socketAddress(address, port) } } }],
});

function waypointCluster({ certificates, waypoint }: Ztunnel): MessageInitShape<typeof ClusterSchema> {
  const context = typed(UpstreamTlsContextSchema, {
    commonTlsContext: tls(certificates, { kind: 'exact', value: waypoint.identity }),
  });
  const http2 = typed(HttpProtocolOptionsSchema, {
    upstreamProtocolOptions: {
      case: 'explicitHttpConfig',
      value: { protocolConfig: { case: 'http2ProtocolOptions', value: { allowConnect: true } } },
    },
  });
  return {
    name: 'waypoint',
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
    loadAssignment: { clusterName: 'waypoint', endpoints: [endpoint(waypoint.address, HBONE_PORT)] },
    transportSocket: { name: 'tls', configType: { case: 'typedConfig', value: context } },
    typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': http2 },
  };
}

const appCluster = (port: number): MessageInitShape<typeof ClusterSchema> => ({
  name: `app-${port}`,
  clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.STATIC },
  loadAssignment: { clusterName: `app-${port}`, endpoints: [endpoint('127.0.0.1', port)] },
});

/** The bootstrap of such an Envoy, as JSON for `envoy -c`. */
export function ztunnelBootstrap(ztunnel: Ztunnel): JsonValue {
  const bootstrap = create(BootstrapSchema, {
    node: { id: 'ztunnel', cluster: 'ztunnel' },
    admin: { address: socketAddress('127.0.0.1', 15000) },
    staticResources: {
      listeners: [
        ...(ztunnel.inbound.ports.length > 0 ? [inboundListener(ztunnel)] : []),
        ...ztunnel.outbound.map(outboundListener),
      ],
      clusters: [waypointCluster(ztunnel), ...ztunnel.inbound.ports.map(appCluster)],
    },
  });
  return toJson(BootstrapSchema, bootstrap, { registry });
}
