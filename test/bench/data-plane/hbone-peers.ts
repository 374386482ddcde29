// The Envoys beside the waypoint: one in the place of the caller's ztunnel, one in the place of the destination's with
// the application behind it.
//
//   load generator ── TCP ──► client ── HBONE ──► waypoint ── HBONE ──► destination ── TCP ──► application

type Json = Readonly<Record<string, unknown>>;

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

const TYPE = 'type.googleapis.com/envoy';
const FILTERS = `${TYPE}.extensions.filters`;

const socket = (address: string, port: number): Json => ({ socket_address: { address, port_value: port } });

/** As the waypoint has them; Envoy's own take 256 MB of a stream before it says stop. */
const http2 = {
  allow_connect: true,
  max_concurrent_streams: 100,
  initial_stream_window_size: 1 << 20,
  initial_connection_window_size: 16 << 20,
};

const tls = (side: 'Downstream' | 'Upstream', { certificate, key }: Certificate, root: string): Json => ({
  name: 'tls',
  typed_config: {
    '@type': `${TYPE}.extensions.transport_sockets.tls.v3.${side}TlsContext`,
    ...(side === 'Downstream' && { require_client_certificate: true }),
    common_tls_context: {
      tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
      alpn_protocols: ['h2'],
      tls_certificates: [{ certificate_chain: { inline_string: certificate }, private_key: { inline_string: key } }],
      validation_context: { trusted_ca: { inline_string: root } },
    },
  },
});

const cluster = (name: string, address: string, port: number, more: Json = {}): Json => ({
  name,
  type: 'STATIC',
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(address, port) } }] }],
  },
  ...more,
});

const listener = (name: string, address: Json, typed_config: Json, transport_socket?: Json): Json => ({
  name,
  address,
  filter_chains: [{ filters: [{ name, typed_config }], ...(transport_socket && { transport_socket }) }],
});

const httpConnection = (name: string, route: Json, more: Json = {}): Json => ({
  '@type': `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
  stat_prefix: name,
  route_config: { name, virtual_hosts: [{ name, domains: ['*'], routes: [route] }] },
  http_filters: [{ name: 'router', typed_config: { '@type': `${FILTERS}.http.router.v3.Router` } }],
  ...more,
});

export interface ClientOptions {
  readonly own: Certificate;
  readonly root: string;
  readonly waypoint: { readonly address: string; readonly port: number };
  /** A listener each, by name: whatever comes there goes into a tunnel of this authority. */
  readonly authorities: ReadonlyMap<string, string>;
}

/** Originates HBONE: every connection becomes a stream of one TLS connection to the waypoint. */
export const clientBootstrap = ({ own, root, waypoint, authorities }: ClientOptions): Json => ({
  static_resources: {
    listeners: [...authorities].map(([name, hostname]) =>
      listener(name, socket('127.0.0.1', 0), {
        '@type': `${FILTERS}.network.tcp_proxy.v3.TcpProxy`,
        stat_prefix: 'client',
        cluster: 'waypoint',
        tunneling_config: { hostname },
      }),
    ),
    clusters: [
      cluster('waypoint', waypoint.address, waypoint.port, {
        transport_socket: tls('Upstream', own, root),
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            '@type': `${TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions`,
            explicit_http_config: { http2_protocol_options: http2 },
          },
        },
      }),
    ],
  },
});

export interface DestinationOptions {
  readonly own: Certificate;
  readonly root: string;
  readonly address: string;
  /** The application's; HBONE is ended on 15008 as everywhere. */
  readonly port: number;
}

/** Ends HBONE, and answers as the application behind it. */
export const destinationBootstrap = ({ own, root, address, port }: DestinationOptions): Json => ({
  static_resources: {
    listeners: [
      listener(
        'hbone',
        socket(address, 15_008),
        httpConnection(
          'hbone',
          {
            match: { connect_matcher: {} },
            route: {
              cluster: 'application',
              timeout: '0s',
              upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }],
            },
          },
          {
            codec_type: 'HTTP2',
            stream_idle_timeout: '0s',
            http2_protocol_options: http2,
            upgrade_configs: [{ upgrade_type: 'CONNECT' }],
          },
        ),
        tls('Downstream', own, root),
      ),
      listener(
        'application',
        socket(address, port),
        httpConnection('application', {
          match: { prefix: '/' },
          direct_response: { status: 200, body: { inline_string: 'ok' } },
        }),
      ),
    ],
    clusters: [cluster('application', address, port)],
  },
});
