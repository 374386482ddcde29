import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RealEnvoy, sleep } from './real-envoy.ts';

/** Routes of the test's listener as Envoy has them; `switched` ones get the feature switched on. */
export interface WorldRoute {
  readonly name: string;
  readonly prefix: string;
  readonly switched?: boolean;
  readonly action: Readonly<Record<string, unknown>>;
}

export interface WorldOptions {
  readonly feature: 'routing' | 'fault' | 'metrics';
  readonly program: Uint8Array;
  readonly routes: readonly WorldRoute[];
  /** The feature runs for every route, not only where it is switched on. */
  readonly always?: boolean;
  /** Names of clusters; each answers with its name and echoes `x-portolan-draw` as it came in `saw-draw`. */
  readonly clusters: readonly string[];
  /** Names of clusters that take a request and never answer. */
  readonly silent?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly statsTags?: readonly { readonly tagName: string; readonly regex: string }[];
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly ms: number;
}

const HTTP = 'type.googleapis.com/envoy.extensions.filters';
const filters = join(import.meta.dirname, '..', '..', 'build', 'filters');

/** A real Envoy with one filter of ours, its program delivered and replaced by ECDS, and stub backends. */
export class FeatureWorld {
  readonly envoy: RealEnvoy;
  readonly port: number;
  readonly #folder: string;
  readonly #options: WorldOptions;
  readonly #silent: readonly Server[];
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  private constructor(
    envoy: RealEnvoy,
    port: number,
    folder: string,
    options: WorldOptions,
    silent: readonly Server[],
  ) {
    this.envoy = envoy;
    this.#silent = silent;
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  static async start(options: WorldOptions): Promise<FeatureWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'portolan-feature-'));
    writeFileSync(join(folder, 'ecds.json'), extensionConfig(options.feature, options.program, 1));
    const envoy = await RealEnvoy.start(bootstrap(options, folder), ['--use-dynamic-base-id']);
    const silent = (options.silent ?? []).map((name) => createServer().listen(join(folder, `${name}.sock`)));
    return new FeatureWorld(envoy, await envoy.port('front'), folder, options, silent);
  }

  /** Replaces the program, and returns when Envoy has taken it or refused it. */
  async replace(program: Uint8Array, version: number): Promise<'accepted' | 'refused'> {
    const counters = async (): Promise<readonly [number, number]> => {
      const text = await this.envoy.admin(`/stats?filter=extension_config_discovery.*update_(success|rejected)$`);
      const of = (name: string): number => Number(new RegExp(`${name}: (\\d+)`).exec(text)?.[1] ?? 0);
      return [of('update_success'), of('update_rejected')];
    };
    const [taken, rejected] = await counters();
    writeFileSync(join(this.#folder, 'next.json'), extensionConfig(this.#options.feature, program, version));
    renameSync(join(this.#folder, 'next.json'), join(this.#folder, 'ecds.json'));
    for (const end = Date.now() + 10_000; Date.now() < end; await sleep(10)) {
      const [takenNow, rejectedNow] = await counters();
      if (takenNow > taken) return 'accepted';
      if (rejectedNow > rejected) return 'refused';
    }
    throw new Error('Envoy neither took nor refused the program in 10 s');
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}, body?: string): Promise<Answer> {
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const call = request(
        { host: '127.0.0.1', port: this.port, path, method, headers, agent: this.#agent },
        (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              body: text,
              ms: performance.now() - began,
            }),
          );
        },
      );
      call.on('error', reject);
      call.end(body);
    });
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.envoy.stop();
    for (const server of this.#silent) server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const filterName = (feature: string): string => `${feature}/reviews:9080`;

function extensionConfig(feature: string, program: Uint8Array, version: number): string {
  const config = {
    name: feature,
    root_id: feature,
    vm_config: {
      vm_id: `portolan.${feature}`,
      runtime: 'envoy.wasm.runtime.v8',
      code: { local: { filename: join(filters, `${feature}.release.wasm`) } },
    },
    configuration: {
      '@type': 'type.googleapis.com/google.protobuf.BytesValue',
      value: Buffer.from(program).toString('base64'),
    },
    failure_policy: 'FAIL_RELOAD',
  };
  return JSON.stringify({
    version_info: String(version),
    resources: [
      {
        '@type': 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
        name: filterName(feature),
        typed_config: { '@type': `${HTTP}.http.wasm.v3.Wasm`, config },
      },
    ],
  });
}

const router = {
  name: 'envoy.filters.http.router',
  typed_config: { '@type': `${HTTP}.http.router.v3.Router` },
};

const SERVICE = 'reviews.bookinfo.svc.cluster.local;reviews;bookinfo';

/** Filter state from headers: in a waypoint it is the tunnel's. */
const stateOf = (key: string, format: string) => ({
  object_key: key,
  factory_key: 'envoy.hashable_string',
  format_string: { text_format_source: { inline_string: format }, omit_empty_values: true },
  skip_if_empty: true,
});

const manager = (statPrefix: string, routes: readonly unknown[], httpFilters: readonly unknown[]) => ({
  name: 'envoy.filters.network.http_connection_manager',
  typed_config: {
    '@type': `${HTTP}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: statPrefix,
    route_config: {
      name: statPrefix,
      validate_clusters: false,
      virtual_hosts: [{ name: 'all', domains: ['*'], routes }],
    },
    http_filters: httpFilters,
  },
});

function bootstrap(options: WorldOptions, folder: string) {
  const { feature, routes, clusters, silent = [], always = false, metadata = {}, statsTags = [] } = options;
  const enabled = { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', config: {} };
  const front = manager(
    'front',
    routes.map(({ name, prefix, switched, action }) => ({
      name,
      match: { prefix },
      ...action,
      request_headers_to_remove: ['x-portolan-draw'],
      ...(switched ? { typed_per_filter_config: { [filterName(feature)]: enabled } } : {}),
    })),
    [
      {
        name: 'state',
        typed_config: {
          '@type': `${HTTP}.http.set_filter_state.v3.Config`,
          on_request_headers: [
            stateOf('io.istio.peer_principal', '%REQ(x-principal)%'),
            stateOf('portolan.parties', `${SERVICE}\n%REQ(x-baggage)%\n%REQ(x-principal)%`),
          ],
        },
      },
      {
        name: filterName(feature),
        disabled: !always,
        config_discovery: {
          config_source: { path_config_source: { path: join(folder, 'ecds.json') }, resource_api_version: 'V3' },
          type_urls: [`${HTTP}.http.wasm.v3.Wasm`],
        },
      },
      router,
    ],
  );
  const socket = (name: string) => ({ pipe: { path: join(folder, `${name}.sock`) } });
  return {
    node: { id: 'feature', cluster: 'test' },
    stats_config: { stats_tags: statsTags.map(({ tagName, regex }) => ({ tag_name: tagName, regex })) },
    static_resources: {
      listeners: [
        {
          name: 'front',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          filter_chains: [{ filters: [front] }],
        },
        ...clusters.map((name) => ({
          name,
          address: socket(name),
          filter_chains: [{ filters: [manager(name, [echo(name)], [router])] }],
        })),
      ],
      clusters: [...clusters, ...silent].map((name) => ({
        name,
        type: 'STATIC',
        load_assignment: {
          cluster_name: name,
          endpoints: [
            {
              lb_endpoints: [
                { endpoint: { address: socket(name) }, metadata: { filter_metadata: { istio: metadata[name] ?? {} } } },
              ],
            },
          ],
        },
      })),
    },
  };
}

const echo = (name: string) => ({
  match: { prefix: '/' },
  direct_response: { status: 200, body: { inline_string: name } },
  response_headers_to_add: [{ header: { key: 'saw-draw', value: '[%REQ(x-portolan-draw)%]' } }],
});
