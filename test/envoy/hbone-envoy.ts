import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { HboneTls } from '#hbone/tls.ts';
import { envoyAdmin, type EnvoyAdmin } from '#proxy/admin.ts';
import { findEnvoy } from '#proxy/find.ts';
import { freePort } from './free-port.ts';

// A stock Envoy with both ends of HBONE, each against something of ours:
//
//   our client ── HBONE ──► terminate ── TCP ──► application
//   TCP client ── TCP ──► originate ── HBONE ──► our server

const TYPE = 'type.googleapis.com/envoy';
const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
/** As the waypoint has them; Envoy's own take 256 MB of a stream before it says stop. */
const windows = { initial_stream_window_size: 1 << 20, initial_connection_window_size: 16 << 20 };
const http2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': `${TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: { allow_connect: true, ...windows } },
  },
};

function transport(tls: HboneTls, side: 'Downstream' | 'Upstream'): object {
  return {
    name: 'tls',
    typed_config: {
      '@type': `${TYPE}.extensions.transport_sockets.tls.v3.${side}TlsContext`,
      ...(side === 'Downstream' && { require_client_certificate: true }),
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
        alpn_protocols: ['h2'],
        tls_certificates: [{ certificate_chain: { inline_string: tls.cert }, private_key: { inline_string: tls.key } }],
        validation_context: { trusted_ca: { inline_string: tls.ca } },
      },
    },
  };
}

const cluster = (name: string, port: number, more: object = {}): object => ({
  name,
  type: 'STATIC',
  load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }] },
  ...more,
});

const listener = (name: string, port: number, typed_config: object, transport_socket?: object): object => ({
  name,
  address: address(port),
  filter_chains: [{ filters: [{ name, typed_config }], ...(transport_socket && { transport_socket }) }],
});

export interface HboneEnvoy {
  readonly terminate: { readonly host: string; readonly port: number };
  readonly originate: number;
  readonly admin: EnvoyAdmin;
  close(): Promise<void>;
}

/** Starts it. `authority` is the destination of its own CONNECT. */
export async function startHboneEnvoy(options: {
  readonly tls: HboneTls;
  readonly applicationPort: number;
  readonly serverPort: number;
  readonly authority: string;
}): Promise<HboneEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), 'hbone-'));
  const [terminate, originate] = [await freePort(), await freePort()];
  const config = {
    admin: { address: { pipe: { path: join(folder, 'admin.sock') } } },
    static_resources: {
      listeners: [
        listener(
          'terminate',
          terminate,
          {
            '@type': `${TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
            stat_prefix: 'terminate',
            codec_type: 'HTTP2',
            stream_idle_timeout: '0s',
            http2_protocol_options: { allow_connect: true, max_concurrent_streams: 100, ...windows },
            upgrade_configs: [{ upgrade_type: 'CONNECT' }],
            route_config: {
              virtual_hosts: [
                {
                  name: 'application',
                  domains: ['10.96.0.10:9080'],
                  routes: [
                    {
                      match: { connect_matcher: {} },
                      route: {
                        cluster: 'application',
                        timeout: '0s',
                        upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: {} }],
                      },
                    },
                  ],
                },
              ],
            },
            http_filters: [
              { name: 'router', typed_config: { '@type': `${TYPE}.extensions.filters.http.router.v3.Router` } },
            ],
          },
          transport(options.tls, 'Downstream'),
        ),
        listener('originate', originate, {
          '@type': `${TYPE}.extensions.filters.network.tcp_proxy.v3.TcpProxy`,
          stat_prefix: 'originate',
          cluster: 'server',
          tunneling_config: { hostname: options.authority },
        }),
      ],
      clusters: [
        cluster('application', options.applicationPort),
        cluster('server', options.serverPort, {
          typed_extension_protocol_options: http2,
          transport_socket: transport(options.tls, 'Upstream'),
        }),
      ],
    },
  };
  const path = join(folder, 'envoy.json');
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  const { path: binary } = await findEnvoy();
  const child = spawn(binary, ['-c', path, '--disable-hot-restart', '--concurrency', '1', '-l', 'error'], {
    stdio: 'inherit',
  });
  const admin = envoyAdmin(join(folder, 'admin.sock'));
  while ((await admin.state()) !== 'LIVE') {
    if (child.exitCode !== null) throw new Error(`Envoy ended with status ${child.exitCode}`);
    await wait(25);
  }
  return {
    terminate: { host: '127.0.0.1', port: terminate },
    originate,
    admin,
    async close() {
      child.kill();
      await once(child, 'exit');
      await rm(folder, { recursive: true });
    },
  };
}
