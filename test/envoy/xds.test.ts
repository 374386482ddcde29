import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER, ENDPOINTS, LISTENER, type XdsSnapshot } from '#envoy/resource.ts';
import type { XdsEvent } from '#xds/event.ts';
import { createXdsServer, type XdsServer } from '#xds/server.ts';
import { freePort } from './free-port.ts';
import { startEnvoy, type TestEnvoy } from './xds-envoy.ts';
import { badListener, cluster, endpoints, listener, policy, routes, snapshot, withResources } from './xds-world.ts';

const KEY = 'bookinfo/waypoint';

let folder: string;
let xds: string;
let port: number;
let envoy: TestEnvoy;
let cleanups: (() => unknown)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-xds-'));
  xds = join(folder, 'xds.sock');
  port = await freePort();
  cleanups = [];
});

afterEach(async () => {
  await envoy.stop();
  for (const clean of cleanups.toReversed()) await clean();
  await rm(folder, { recursive: true, force: true });
});

const get = async (to = port, agent?: Agent): Promise<string> =>
  new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port: to, agent: agent ?? false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve(`${response.statusCode} ${body}`));
    });
    call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)).end();
  });

/** An agent with one connection that is kept open. */
function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanups.push(() => agent.destroy());
  return agent;
}

async function backend(body: string): Promise<number> {
  const server: Server = createServer((_, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return (server.address() as AddressInfo).port;
}

const front = (on: number) => listener('front', on, { routes: 'front', policy: 'authz/front' });

describe.each(['DELTA_GRPC', 'GRPC'] as const)('a real Envoy over %s', (protocol) => {
  let server: XdsServer;
  let events: XdsEvent[];
  let current: XdsSnapshot;

  /** Serves these resources and waits until Envoy has answered all of it. */
  async function serve(next: XdsSnapshot) {
    current = next;
    events.length = 0;
    server.setSnapshot(KEY, next);
    return server.settled(KEY, AbortSignal.timeout(10_000));
  }

  async function start(first: XdsSnapshot): Promise<void> {
    events = [];
    server = createXdsServer({ authorize: (node) => ({ key: node.key }), onEvent: (event) => events.push(event) });
    cleanups.push(() => server.close());
    server.setSnapshot(KEY, first);
    await server.listen(xds);
    envoy = await startEnvoy({ xds, protocol });
    await envoy.ready();
    expect(await serve(first)).toMatchObject({ nacks: [], unasked: 0 });
  }

  const sent = (): string[] =>
    events.flatMap((event) =>
      event.kind === 'sent' ? event.names.map((name) => `${event.typeUrl.split('.').at(-1)} ${name}`) : [],
    );

  it('serves listeners, clusters, endpoints, routes and programs, and sends what changes', async () => {
    const [one, two] = [await backend('one'), await backend('two')];
    await start(
      snapshot([
        front(port),
        routes('front', { cluster: 'app' }),
        policy('authz/front', true),
        cluster('app'),
        endpoints('app', [one]),
      ]),
    );
    expect(await get()).toBe('200 one');

    // On a connection that is open already, and at once: the next request meets the new policy.
    const agent = keepAlive();
    expect(await get(port, agent)).toBe('200 one');
    await serve(withResources(current, [policy('authz/front', false)]));
    expect(sent()).toEqual(['TypedExtensionConfig authz/front']);
    expect(await get(port, agent)).toBe('403 RBAC: access denied');
    await serve(withResources(current, [policy('authz/front', true)]));
    expect(await get(port, agent)).toBe('200 one');

    await serve(withResources(current, [endpoints('app', [two])]));
    expect(sent()).toEqual(['ClusterLoadAssignment app']);
    expect(await get(port, agent)).toBe('200 two');

    await serve(withResources(current, [routes('front', { body: 'three' })]));
    expect(sent()).toEqual(['RouteConfiguration front']);
    expect(await get(port, agent)).toBe('200 three');
    expect([...(await envoy.stats('^http.front.downstream_cx_total$')).values()]).toEqual([2]);
  });

  it('keeps the last accepted listener when one is refused, and names the reason', async () => {
    await start(snapshot([front(port), routes('front', { body: 'fine' }), policy('authz/front', true)]));
    const other = await freePort();
    const settled = await serve(
      withResources(current, [
        badListener('front', port),
        listener('other', other, { routes: 'front', policy: 'authz/front' }),
      ]),
    );
    const refusal = {
      node: 'waypoint~bookinfo/waypoint~1',
      typeUrl: LISTENER,
      name: 'front',
      version: current.get(LISTENER)?.get('front')?.version,
      reason: "Didn't find a registered implementation for 'nonsense' with type URL: 'no.such.Filter'",
    };
    expect(settled.nacks).toEqual([refusal]);
    expect(events.filter(({ kind }) => kind === 'nack')).toEqual([{ kind: 'nack', ...refusal }]);
    expect([await get(), await get(other)]).toEqual(['200 fine', '200 fine']);

    // The refused version is not sent again with the next change; the next version is.
    await serve(withResources(current, [routes('front', { body: 'finer' })]));
    expect(sent()).toEqual(['RouteConfiguration front']);
    expect(await get()).toBe('200 finer');
    const moved = await freePort();
    expect(await serve(withResources(current, [front(moved)]))).toMatchObject({ nacks: [] });
    expect(await get(moved)).toBe('200 finer');
  });

  it('names the reason of refused routes and programs, without what they hold', async () => {
    await start(snapshot([front(port), routes('front', { body: 'fine' }), policy('authz/front', true)]));
    const program = policy('authz/front', true);
    const settled = await serve(
      withResources(current, [
        routes('front', { body: 'secret'.repeat(1_000) }),
        { ...program, version: 'broken', value: program.value.subarray(0, 20) },
      ]),
    );
    expect(settled.nacks.map(({ name, reason }) => `${name}: ${reason}`).sort()).toEqual([
      'authz/front: Unable to unpack as envoy.config.core.v3.TypedExtensionConfig:',
      'front: response body size is 6000 bytes; maximum is 4096',
    ]);
    expect(await get()).toBe('200 fine');
  });

  it('gives a changed cluster its endpoints again, so that it warms at once and keeps them', async () => {
    const app = await backend('app');
    await start(
      snapshot([
        front(port),
        routes('front', { cluster: 'app' }),
        policy('authz/front', true),
        cluster('app'),
        endpoints('app', [app]),
      ]),
    );
    for (const timeout of [2, 3]) {
      await serve(withResources(current, [cluster('app', timeout)]));
      const ack = events.find((event) => event.kind === 'ack' && event.typeUrl === CLUSTER);
      // Without the endpoints Envoy would take 15 seconds, and have none then.
      expect(ack).toMatchObject({ names: ['app'] });
      expect(ack?.kind === 'ack' && ack.ms).toBeLessThan(5_000);
      expect(await get()).toBe('200 app');
    }
    expect([...(await envoy.stats('^cluster_manager.warming_clusters$')).values()]).toEqual([0]);
  });

  it('loses no request while a route moves from cluster to cluster', async () => {
    const ports = [await backend('0'), await backend('1')];
    const generation = (index: number): XdsSnapshot =>
      snapshot([
        front(port),
        routes('front', { cluster: `app-${index}` }),
        policy('authz/front', true),
        cluster(`app-${index}`),
        endpoints(`app-${index}`, [ports[index % 2] ?? 0]),
      ]);
    await start(generation(0));
    const answers = new Map<string, number>();
    const agent = keepAlive();
    const stop = new AbortController();
    const load = (async () => {
      while (!stop.signal.aborted) {
        const answer = await get(port, agent);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
    })();
    for (let index = 1; index <= 12; index++) {
      await serve(generation(index));
      await sleep(20);
    }
    stop.abort();
    await load;
    expect([...answers.keys()].sort()).toEqual(['200 0', '200 1']);
    // What nothing refers to any more is gone, in the end.
    const clusters = await envoy.stats('^cluster_manager.active_clusters$');
    expect([...clusters.values()]).toEqual([2]);
    expect(current.get(ENDPOINTS)?.size).toBe(1);
  });

  it('adds and removes a listener without touching the connections of another', async () => {
    await start(snapshot([front(port), routes('front', { body: 'fine' }), policy('authz/front', true)]));
    const agent = keepAlive();
    expect(await get(port, agent)).toBe('200 fine');
    const before = current;
    const other = await freePort();
    await serve(
      withResources(current, [
        listener('other', other, { routes: 'other', policy: 'authz/other' }),
        routes('other', { body: 'other' }),
        policy('authz/other', true),
      ]),
    );
    expect(sent().sort()).toEqual(['Listener other', 'RouteConfiguration other', 'TypedExtensionConfig authz/other']);
    expect(await get(other)).toBe('200 other');
    await serve(before);
    expect(events.flatMap((event) => (event.kind === 'sent' ? event.removed : []))).toEqual(['other']);
    expect(await get(port, agent)).toBe('200 fine');
    expect([...(await envoy.stats('^http.front.downstream_cx_total$')).values()]).toEqual([1]);
  });

  it('starts a listener when the routes and the program that it waits for appear', async () => {
    await start(snapshot([]));
    await serve(snapshot([listener('front', port, { routes: 'late', policy: 'authz/late' })]));
    expect(await get()).toBe('ECONNREFUSED');
    expect(
      server
        .status()
        .nodes[0]?.types.flatMap(({ missing }) => missing)
        .sort(),
    ).toEqual(['authz/late', 'late']);
    await serve(withResources(current, [routes('late', { body: 'here' }), policy('authz/late', true)]));
    expect(sent().sort()).toEqual(['RouteConfiguration late', 'TypedExtensionConfig authz/late']);
    await expect.poll(() => get(), { timeout: 5_000 }).toBe('200 here');
  });

  it(
    'is sent nothing when the runtime is killed and started again, and the next change',
    { timeout: 90_000 },
    async () => {
      const outfile = join(folder, 'runtime.mjs');
      await build({
        entryPoints: [join(import.meta.dirname, 'xds-runtime.ts')],
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile,
        logLevel: 'error',
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      });
      const first = await startRuntime(outfile);
      envoy = await startEnvoy({ xds, protocol });
      await envoy.ready();
      await expect.poll(() => get(), { timeout: 5_000 }).toBe('200 first');
      const agent = keepAlive();
      expect(await get(port, agent)).toBe('200 first');
      const updates = await updatesOf();

      first.child.kill('SIGKILL');
      await first.exited;
      expect(await get(port, agent)).toBe('200 first');

      const second = await startRuntime(outfile);
      await expect.poll(() => second.kinds(), { timeout: 30_000 }).toContain('connected');
      await sleep(1_000);
      expect(second.kinds()).toEqual(['listening', 'connected']);
      expect(await updatesOf()).toEqual(updates);

      second.child.stdin?.write('second\n');
      await expect.poll(() => get(port, agent), { timeout: 5_000 }).toBe('200 second');
      expect(second.kinds()).toEqual(['listening', 'connected', 'sent', 'ack']);
      expect([...(await envoy.stats('^http.front.downstream_cx_total$')).values()]).toEqual([2]);
    },
  );
});

/** How often each type was updated in Envoy, by its own count. */
const updatesOf = async (): Promise<ReadonlyMap<string, number>> =>
  envoy.stats('(lds|cds|rds.front|extension_config_discovery.*)\\.update_success$');

interface Runtime {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  /** Kinds of what it told so far. */
  kinds(): readonly string[];
}

async function startRuntime(script: string): Promise<Runtime> {
  const child = spawn(process.execPath, [script, xds, String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  cleanups.push(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const kinds: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    kinds.push((JSON.parse(line) as { kind: string }).kind),
  );
  await expect.poll(() => kinds, { timeout: 10_000 }).toContain('listening');
  return { child, exited, kinds: () => kinds };
}
