import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real Envoy that knows nothing but where its ADS server is. */
export interface TestEnvoy {
  readonly pid: number;
  /** A GET or POST of the admin interface; the body. */
  admin(path: string, method?: 'GET' | 'POST'): Promise<string>;
  /** Counters and gauges whose names match, by name. */
  stats(filter: string): Promise<ReadonlyMap<string, number>>;
  /** Waits for `LIVE`; returns the milliseconds since the start. */
  ready(timeoutMs?: number): Promise<number>;
  log(): string;
  /** Resident memory in KiB, and CPU of all threads in milliseconds. */
  usage(): { readonly rssKb: number; readonly cpuMs: number };
  stop(): Promise<void>;
}

export interface TestEnvoyOptions {
  /** Unix socket of the ADS server. */
  readonly xds: string;
  readonly node?: string;
  readonly protocol?: 'DELTA_GRPC' | 'GRPC';
  readonly concurrency?: number;
  readonly drainSeconds?: number;
  /** Merged over the top level of the bootstrap. */
  readonly bootstrap?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
}

export const ENVOY = process.env['PORTOLAN_ENVOY'] ?? 'envoy';

const ADS = { ads: {}, resource_api_version: 'V3' };

const HTTP2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: { connection_keepalive: { interval: '30s', timeout: '5s' } } },
  },
};

function bootstrap(options: TestEnvoyOptions, folder: string): object {
  const endpoint = { address: { pipe: { path: options.xds } } };
  return {
    node: { id: options.node ?? 'waypoint~bookinfo/waypoint~1', cluster: 'waypoint' },
    admin: { address: { pipe: { path: join(folder, 'admin.sock') } } },
    dynamic_resources: {
      ads_config: {
        api_type: options.protocol ?? 'DELTA_GRPC',
        transport_api_version: 'V3',
        // A node lists every extension of its Envoy, some 30 KB; a thousand listeners ask four thousand times.
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: 'portolan-xds' } }],
      },
      cds_config: ADS,
      lds_config: ADS,
    },
    static_resources: {
      clusters: [
        {
          name: 'portolan-xds',
          type: 'STATIC',
          connect_timeout: '1s',
          typed_extension_protocol_options: HTTP2,
          load_assignment: { cluster_name: 'portolan-xds', endpoints: [{ lb_endpoints: [{ endpoint }] }] },
        },
      ],
    },
    bootstrap_extensions: [
      {
        name: 'envoy.bootstrap.internal_listener',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener',
        },
      },
    ],
    layered_runtime: {
      layers: [{ name: 'static', static_layer: { 're2.max_program_size.error_level': 1_000 } }],
    },
    ...options.bootstrap,
  };
}

/** Starts Envoy in a folder of its own; `stop` ends it and removes the folder. */
export async function startEnvoy(options: TestEnvoyOptions): Promise<TestEnvoy> {
  const folder = await mkdtemp(join(tmpdir(), 'portolan-envoy-'));
  const config = join(folder, 'bootstrap.json');
  writeFileSync(config, JSON.stringify(bootstrap(options, folder)));
  const { concurrency = 1, drainSeconds = 45, args = [] } = options;
  const started = performance.now();
  const child: ChildProcess = spawn(
    ENVOY,
    [
      '-c',
      config,
      '--concurrency',
      `${concurrency}`,
      '--use-dynamic-base-id',
      '--drain-time-s',
      `${drainSeconds}`,
      '-l',
      'info',
      ...args,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const logFile = join(folder, 'log');
  child.stderr?.pipe(createWriteStream(logFile));
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.on('error', () => {});
  const { pid } = child;
  if (pid === undefined) throw new Error(`expected an Envoy binary in PORTOLAN_ENVOY or on PATH, came ${ENVOY}`);
  const log = (): string => readFileSync(logFile, 'utf8');

  const admin: TestEnvoy['admin'] = async (path, method = 'GET') =>
    new Promise((resolve, reject) => {
      const call = request({ socketPath: join(folder, 'admin.sock'), path, method, timeout: 20_000 }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve(body));
      });
      call.on('error', reject).end();
    });

  const stats: TestEnvoy['stats'] = async (filter) => {
    const lines = (await admin(`/stats?filter=${encodeURIComponent(filter)}`)).split('\n');
    const pairs = lines.map((line) => /^(.*): (\d+)$/.exec(line)).filter((match) => match !== null);
    return new Map(pairs.map(([, name = '', value]) => [name, Number(value)]));
  };

  return {
    pid,
    admin,
    stats,
    log,
    async ready(timeoutMs = 20_000) {
      while (performance.now() - started < timeoutMs) {
        if (child.exitCode !== null) throw new Error(`Envoy ended with ${child.exitCode}:\n${log().slice(-4000)}`);
        const answer = await admin('/ready').catch(() => '');
        if (answer.startsWith('LIVE')) return performance.now() - started;
        await sleep(20);
      }
      throw new Error(`Envoy was not ready after ${timeoutMs} ms:\n${log().slice(-4000)}`);
    },
    usage() {
      const rssKb = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
      // After the name in parentheses: state is field 3, utime and stime are 14 and 15, in hundredths of a second.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return { rssKb, cpuMs: (Number(fields[11]) + Number(fields[12])) * 10 };
    },
    async stop() {
      if (child.exitCode === null) child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
