import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuthzPolicySet } from '#model/authz.ts';
import { compileAuthz, type AuthzTarget } from '#policy/authz/compile.ts';
import { loadFilter } from '../filters/load.ts';
import { RealEnvoy, sleep } from './real-envoy.ts';

// The authorization filter in stock Envoy, its program by ECDS from a file: what it answers, that a program is replaced
// under load without a failed request, that replaced programs are freed, and that a denied connection is closed unheard.

const NONE = { any: [], none: [] };
const ALICE = 'spiffe://cluster.local/ns/a/sa/alice';

/** Only this identity, and `more` others that nobody has: they make the program big. */
function only(principal: string, more = 0): AuthzPolicySet {
  const values = [
    principal,
    ...Array.from({ length: more }, (_, i) => `spiffe://cluster.local/ns/none/sa/${i}-${principal}`),
  ];
  const principals = { any: values.map((value) => ({ kind: 'exact' as const, value })), none: [] };
  const rules = [{ from: [{ principals, namespaces: NONE, ipBlocks: NONE }], to: [], when: [] }];
  return { policies: [{ namespace: 'shop', name: 'only', action: 'ALLOW', rules }] };
}

const plugin = (module: string, set: AuthzPolicySet, protocol: AuthzTarget['protocol']): object => ({
  name: 'authz',
  root_id: 'authz',
  failure_policy: 'FAIL_RELOAD',
  vm_config: {
    vm_id: 'portolan.authz',
    runtime: 'envoy.wasm.runtime.v8',
    code: { local: { filename: module } },
  },
  configuration: {
    '@type': 'type.googleapis.com/google.protobuf.BytesValue',
    value: Buffer.from(compileAuthz(set, { port: 80, addresses: ['10.0.0.1'], protocol }) ?? []).toString('base64'),
  },
});

const FILTERS = 'type.googleapis.com/envoy.extensions.filters';

describe('authz in stock Envoy', () => {
  let envoy: RealEnvoy;
  let upstream: Server;
  let http: number;
  let tcp: number;
  let folder: string;
  let module: string;
  let ecds: string;
  let version = 0;
  let heard = '';
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });

  const resourceOf = (set: AuthzPolicySet): object => ({
    '@type': 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
    name: 'authz/shop',
    typed_config: { '@type': `${FILTERS}.http.wasm.v3.Wasm`, config: plugin(module, set, 'http') },
  });

  /** Puts a resource in the place of the one in force; Envoy sees the file by its rename. */
  function put(resource: object): void {
    writeFileSync(`${ecds}.new`, JSON.stringify({ version_info: String(++version), resources: [resource] }));
    renameSync(`${ecds}.new`, ecds);
  }

  const publish = (set: AuthzPolicySet): void => put(resourceOf(set));

  async function updates(): Promise<number> {
    const stats = await envoy.admin('/stats?filter=extension_config_discovery.http_filter.authz/shop.config_reload');
    return Number(/: (\d+)/.exec(stats)?.[1] ?? 0);
  }

  /** Waits until Envoy has taken the version before this many. */
  async function settled(count: number): Promise<void> {
    for (let i = 0; (await updates()) < count; i++) {
      if (i > 500) throw new Error(`Envoy has not taken update ${count}: ${envoy.log.slice(-2000)}`);
      await sleep(10);
    }
  }

  function get(headers: Record<string, string>): Promise<IncomingMessage & { readonly body: string }> {
    return new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port: http, agent, headers }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve(Object.assign(response, { body })));
      });
      call.on('error', reject);
      call.end();
    });
  }

  beforeAll(async () => {
    upstream = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString();
        socket.write('pong');
      });
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as { readonly port: number };
    folder = mkdtempSync(join(tmpdir(), 'portolan-authz-'));
    module = join(folder, 'authz.wasm');
    writeFileSync(module, loadFilter('authz', 'release'));
    ecds = join(folder, 'ecds.json');
    publish(only(ALICE));
    envoy = await RealEnvoy.start(bootstrap(port), ['--component-log-level', 'wasm:warning']);
    [http, tcp] = [await envoy.port('http'), await envoy.port('tcp')];
  });

  afterAll(async () => {
    agent.destroy();
    await envoy?.stop();
    upstream?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const bootstrap = (upstreamPort: number): Record<string, unknown> => ({
    node: { id: 'test', cluster: 'test' },
    static_resources: {
      clusters: [
        {
          name: 'upstream',
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(upstreamPort) } }] }],
          },
        },
      ],
      listeners: [
        {
          name: 'http',
          address: address(0),
          filter_chains: [
            {
              filters: [
                {
                  name: 'hcm',
                  typed_config: {
                    '@type': `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
                    stat_prefix: 'http',
                    route_config: {
                      virtual_hosts: [
                        {
                          name: 'v',
                          domains: ['*'],
                          routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }],
                        },
                      ],
                    },
                    http_filters: [
                      principalFilter(),
                      {
                        name: 'authz/shop',
                        config_discovery: {
                          config_source: { path_config_source: { path: ecds }, resource_api_version: 'V3' },
                          type_urls: [`${FILTERS}.http.wasm.v3.Wasm`],
                        },
                      },
                      { name: 'router', typed_config: { '@type': `${FILTERS}.http.router.v3.Router` } },
                    ],
                  },
                },
              ],
            },
          ],
        },
        {
          name: 'tcp',
          address: address(0),
          filter_chains: [
            {
              filters: [
                {
                  name: 'authz',
                  typed_config: {
                    '@type': `${FILTERS}.network.wasm.v3.Wasm`,
                    config: plugin(module, only(ALICE), 'tcp'),
                  },
                },
                {
                  name: 'proxy',
                  typed_config: {
                    '@type': `${FILTERS}.network.tcp_proxy.v3.TcpProxy`,
                    stat_prefix: 'tcp',
                    cluster: 'upstream',
                  },
                },
              ],
            },
          ],
        },
      ],
    },
  });

  test('the 403 of Envoy, and PERMISSION_DENIED for gRPC', async () => {
    expect((await get({ 'x-principal': ALICE })).statusCode).toBe(200);
    const denied = await get({ 'x-principal': `${ALICE}x` });
    expect([denied.statusCode, denied.body]).toEqual([403, 'RBAC: access denied']);
    const grpc = await get({ 'x-principal': `${ALICE}x`, 'content-type': 'application/grpc' });
    expect([grpc.statusCode, grpc.headers['grpc-status']]).toEqual([200, '7']);
    expect(grpc.headers['grpc-message']).toBe('RBAC: access denied');
  });

  test('a program is replaced under load without a failed request', async () => {
    const first = await updates();
    const seen = new Map<number, number>();
    const running = new AbortController();
    const load = Array.from({ length: 8 }, async () => {
      while (!running.signal.aborted) {
        const { statusCode = 0 } = await get({ 'x-principal': ALICE });
        seen.set(statusCode, (seen.get(statusCode) ?? 0) + 1);
      }
    });
    for (let i = 1; i <= 20; i++) {
      publish(only(ALICE, i * 10));
      await settled(first + i);
    }
    running.abort();
    await Promise.all(load);
    expect([...seen.keys()]).toEqual([200]);
    expect(seen.get(200)).toBeGreaterThan(100);
  });

  test('a denial holds for the next request of a connection that is open', async () => {
    const first = await updates();
    expect((await get({ 'x-principal': ALICE })).statusCode).toBe(200);
    publish(only('spiffe://cluster.local/ns/a/sa/bob'));
    await settled(first + 1);
    expect((await get({ 'x-principal': ALICE })).statusCode).toBe(403);
  });

  test('programs that were replaced are freed', { timeout: 120_000 }, async () => {
    const pid = processOf(envoy);
    const resident = (): number => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    };
    // Four programs of about 1 MB take turns: each differs from the one that it replaces.
    const sets = Array.from({ length: 4 }, (_, i) => resourceOf(only(`${ALICE}-${i}`, 11_000)));
    const replace = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        const count = (await updates()) + 1;
        put(sets[i % sets.length] ?? {});
        await settled(count);
      }
      expect((await get({ 'x-principal': `${ALICE}-${(times - 1) % sets.length}` })).statusCode).toBe(200);
    };
    await replace(30);
    const before = resident();
    await replace(200);
    // 200 MB went through; what grows is allocators' slack.
    expect(resident() - before).toBeLessThan(25);
  });

  test('a connection without an identity is closed before a byte of it is heard', async () => {
    const closed = await new Promise<boolean>((resolve) => {
      const socket = connect(tcp, '127.0.0.1', () => socket.write('secret'));
      socket.on('error', () => {});
      socket.on('close', () => resolve(true));
      setTimeout(() => resolve(false), 2_000);
    });
    expect(closed).toBe(true);
    await sleep(50);
    expect(heard).toBe('');
  });
});

/** The process that was started with the bootstrap in Envoy's folder. */
function processOf(envoy: RealEnvoy): string {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(envoy.folder)) return pid;
    } catch {
      // It has ended meanwhile.
    }
  }
  throw new Error(`expected a process with ${envoy.folder} on its command line`);
}

const address = (port: number): object => ({ socket_address: { address: '127.0.0.1', port_value: port } });

/** In place of mutual TLS: a header says who calls. */
const principalFilter = (): object => ({
  name: 'principal',
  typed_config: {
    '@type': `${FILTERS}.http.set_filter_state.v3.Config`,
    on_request_headers: [
      {
        object_key: 'io.istio.peer_principal',
        factory_key: 'envoy.hashable_string',
        format_string: { text_format_source: { inline_string: '%REQ(x-principal)%' } },
        skip_if_empty: true,
      },
    ],
  },
});
