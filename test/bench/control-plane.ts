import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { createEmitter } from '#envoy/index.ts';
import { DEFAULTS, type EmitOptions } from '#envoy/options.ts';
import { EXTENSION, SECRET, type XdsResource, type XdsSnapshot } from '#envoy/resource.ts';
import { createAuthority } from '#identity/authority.ts';
import { secrets } from '#identity/secrets.ts';
import type { Waypoint } from '#model/waypoint.ts';
import { ResourceStore } from '#resources/store.ts';
import { createTranslator } from '#translate/index.ts';
import type { XdsEvent } from '#xds/event.ts';
import { createXdsServer, type XdsServer } from '#xds/server.ts';
import { freePort } from '../envoy/free-port.ts';
import { startEnvoy, type TestEnvoy } from '../envoy/xds-envoy.ts';
import { createInlineShape } from './inline-shape.ts';
import { meshFiles, policyText, serviceFile, serviceText, UNRELATED_FILE, WAYPOINT } from './manifests.ts';
import { staleRequests } from './stale-requests.ts';

/** One line of the report. CPU and times are in milliseconds, sizes in bytes unless the name says otherwise. */
export interface Measurement {
  readonly bench: string;
  readonly services: number;
  readonly [figure: string]: number | string;
}

/** `ours`: a listener a service, programs by ECDS. `inline`: all chains, routes and policies in one listener. */
export type Shape = 'ours' | 'inline';

export interface ControlPlaneOptions {
  /** Numbers of services; translation is measured at each. */
  readonly sizes: readonly number[];
  /** Number of services behind a real Envoy, for the cost of changes. */
  readonly services: number;
  /** Folder with `authz.wasm` and so on. */
  readonly modules: EmitOptions['modules'];
}

/** Measures what the control plane costs; `print` gets each figure as it is known. */
export async function controlPlane(options: ControlPlaneOptions, print: (line: Measurement) => void): Promise<void> {
  for (const size of options.sizes) print(translation(size, options.modules));
  for (const shape of ['ours', 'inline'] as const) {
    const small = await resident(shape, 10, options.modules);
    await withBed(shape, options.services, options.modules, async (bed) => {
      const { services } = options;
      const { rssKb } = bed.envoy.usage();
      const rss = { rssKb, rssKbPerService: Math.round((rssKb - small) / (services - 10)) };
      print({ bench: 'start', shape, services, ...bed.started, ...rss });
      print({ bench: 'one policy edited', shape, services, ...(await policyEdits(bed, 20)) });
      print({ bench: 'policy of another namespace', shape, services, ...(await unrelatedEdit(bed)) });
      print({ bench: 'service added and removed', shape, services, ...(await serviceComesAndGoes(bed)) });
      if (shape === 'ours') print({ bench: 'burst of 1,000 edits', shape, services, ...(await burst(bed, 1_000)) });
      print({ bench: 'after changes', shape, services, rssKb: bed.envoy.usage().rssKb });
    });
    print({ bench: 'stale requests after a deny', shape, services: 1, ...(await staleRequests(shape)) });
  }
}

/** CPU of this process in milliseconds, garbage collection included. */
function cpuOf<T>(work: () => T): { readonly ms: number; readonly result: T } {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1_000, result };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

const rounded = (value: number): number => Math.round(value * 100) / 100;

/**
 * A whole translation and emission from resources that are read already. The translator is new each time and so knows
 * none of them; the emitter knows its templates, which do not depend on them, but none of the translator's objects.
 */
function translation(services: number, modules: EmitOptions['modules']): Measurement {
  const read = cpuOf(() => new ResourceStore().update(meshFiles(services)));
  const rounds = services > 2_000 ? 6 : services > 200 ? 12 : 60;
  const times: { translate: number; emit: number }[] = [];
  const emit = createEmitter(emitOptions(modules, 15_008));
  for (let round = 0; round < rounds; round++) {
    const translated = cpuOf(() => createTranslator()(read.result));
    const emitted = cpuOf(() => translated.result.model.waypoints.map(emit));
    times.push({ translate: translated.ms, emit: emitted.ms });
  }
  // The first half warms the compiler up.
  const warm = times.slice(rounds / 2);
  const [translateCpu, emitCpu] = [median(warm.map((time) => time.translate)), median(warm.map((time) => time.emit))];
  const figures = { readCpu: read.ms, translateCpu, emitCpu, cpu: translateCpu + emitCpu };
  const shown = Object.entries(figures).map(([name, value]) => [name, rounded(value)] as const);
  return { bench: 'translation', services, ...Object.fromEntries(shown) };
}

const emitOptions = (modules: EmitOptions['modules'], port: number): EmitOptions => ({
  ...DEFAULTS,
  bind: { address: '127.0.0.1', port },
  modules,
});

/** From texts to what is served, as the runtime does it. */
class Pipeline {
  readonly #files: Map<string, string>;
  readonly #store = new ResourceStore();
  readonly #translate = createTranslator();
  readonly #emit: (waypoint: Waypoint) => XdsSnapshot;
  readonly #inline = createInlineShape();
  readonly #shape: Shape;
  readonly #secrets: ReadonlyMap<string, XdsResource>;

  constructor(shape: Shape, services: number, options: EmitOptions, identity: readonly XdsResource[]) {
    this.#shape = shape;
    this.#files = meshFiles(services);
    this.#emit = createEmitter(options);
    this.#secrets = new Map(identity.map((secret) => [secret.name, secret]));
  }

  /** Reads files anew after these edits; undefined removes one. */
  update(edits: Readonly<Record<string, string | undefined>> = {}): XdsSnapshot {
    for (const [file, text] of Object.entries(edits)) {
      if (text === undefined) this.#files.delete(file);
      else this.#files.set(file, text);
    }
    const { model } = this.#translate(this.#store.update(new Map(this.#files)));
    const [waypoint] = model.waypoints;
    if (waypoint === undefined) throw new Error('expected the manifests to give one waypoint, came none');
    const ours = new Map([...this.#emit(waypoint), [SECRET, this.#secrets]]);
    return this.#shape === 'ours' ? ours : this.#inline(waypoint, ours);
  }
}

/** A runtime and a real Envoy that holds everything. */
interface Bed {
  readonly pipeline: Pipeline;
  readonly server: XdsServer;
  readonly envoy: TestEnvoy;
  readonly services: number;
  readonly started: Readonly<Record<string, number>>;
  /** Events since the last call. */
  readonly take: () => readonly XdsEvent[];
  /** Resolves with what `look` gives at the moment of the next acknowledgement. */
  readonly acknowledged: <T>(look: () => T) => Promise<T>;
}

/** Statistics that nobody reads by service; they are two thirds of a service's memory. */
const FEWER_STATISTICS = {
  stats_config: {
    stats_matcher: {
      exclusion_list: {
        patterns: [
          { prefix: 'cluster.' },
          { prefix: 'listener.envoy_internal' },
          { contains: '.rds.' },
          { contains: 'extension_config_discovery' },
        ],
      },
    },
  },
};

async function withBed<T>(
  shape: Shape,
  services: number,
  modules: EmitOptions['modules'],
  work: (bed: Bed) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'portolan-bench-'));
  const authority = await createAuthority('cluster.local');
  const workload = await authority.issue({ spiffeId: 'spiffe://cluster.local/ns/mesh/sa/waypoint' });
  const identity = secrets({ workload, roots: authority.root });
  const pipeline = new Pipeline(shape, services, emitOptions(modules, await freePort()), identity);
  let events: XdsEvent[] = [];
  let onAck: (() => void) | undefined;
  const server = createXdsServer({
    authorize: (node) => ({ key: node.key }),
    onEvent(event) {
      events.push(event);
      if (event.kind === 'ack') onAck?.();
    },
  });
  const acknowledged = <T>(look: () => T): Promise<T> =>
    new Promise((resolve) => {
      onAck = () => {
        onAck = undefined;
        resolve(look());
      };
    });
  server.setSnapshot(WAYPOINT, pipeline.update());
  const xds = join(folder, 'xds.sock');
  await server.listen(xds);
  const cpu = process.cpuUsage();
  const envoy = await startEnvoy({ xds, node: `waypoint~${WAYPOINT}~bench`, bootstrap: FEWER_STATISTICS });
  try {
    const readyMs = Math.round(await envoy.ready(120_000));
    await accepted(server);
    const { user, system } = process.cpuUsage(cpu);
    const bytes = bytesOf(events);
    events = [];
    const started = { readyMs, bytes, runtimeCpu: Math.round((user + system) / 1_000), envoyCpu: envoy.usage().cpuMs };
    const take = (): readonly XdsEvent[] => events.splice(0);
    return await work({ pipeline, server, envoy, services, started, take, acknowledged });
  } finally {
    await envoy.stop();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const resident = (shape: Shape, services: number, modules: EmitOptions['modules']): Promise<number> =>
  withBed(shape, services, modules, async ({ envoy }) => envoy.usage().rssKb);

/** A refusal would make every figure worthless. */
async function accepted(server: XdsServer): Promise<void> {
  const { nacks } = await server.settled(WAYPOINT, AbortSignal.timeout(60_000));
  const [nack] = nacks;
  if (nack !== undefined) throw new Error(`Envoy refused ${nack.name}: ${nack.reason}`);
}

const bytesOf = (events: readonly XdsEvent[]): number =>
  events.reduce((sum, event) => sum + (event.kind === 'sent' ? event.bytes : 0), 0);

const responsesOf = (events: readonly XdsEvent[]): number => events.filter(({ kind }) => kind === 'sent').length;

/** One path of one policy, again and again: what the runtime and Envoy spend, what goes over the wire, how long it takes. */
async function policyEdits({ pipeline, server, envoy, services, take, acknowledged }: Bed, count: number) {
  const runs: { cpu: number; bytes: number; ms: number; envoy: number }[] = [];
  for (let run = 0; run < count; run++) {
    await sleep(20);
    const index = (run * 7) % services;
    const edit = { [serviceFile(index)]: serviceText(index, { path: `/edit-${run}` }) };
    const ofEnvoy = envoy.usage().cpuMs;
    const before = { cpu: process.cpuUsage(), at: performance.now() };
    // Waited for, and not looked for again and again: that would be our CPU while Envoy works.
    const answer = acknowledged(() => ({ cpu: process.cpuUsage(before.cpu), ms: performance.now() - before.at }));
    server.setSnapshot(WAYPOINT, pipeline.update(edit));
    const { cpu, ms } = await answer;
    await accepted(server);
    const bytes = bytesOf(take());
    runs.push({ cpu: (cpu.user + cpu.system) / 1_000, bytes, ms, envoy: envoy.usage().cpuMs - ofEnvoy });
  }
  const of = (pick: (run: (typeof runs)[number]) => number): number => rounded(median(runs.map(pick)));
  return {
    runtimeCpu: of((run) => run.cpu),
    bytes: of((run) => run.bytes),
    toAckMs: of((run) => run.ms),
    envoyCpu: of((run) => run.envoy),
  };
}

async function unrelatedEdit({ pipeline, server, take }: Bed) {
  const text = policyText('elsewhere', 'unrelated', 'absent', 1);
  const { ms } = cpuOf(() => server.setSnapshot(WAYPOINT, pipeline.update({ [UNRELATED_FILE]: text })));
  await sleep(200);
  const events = take();
  return { runtimeCpu: rounded(ms), bytes: bytesOf(events), responses: responsesOf(events) };
}

async function serviceComesAndGoes({ pipeline, server, services, take }: Bed) {
  const change = async (text: string | undefined) => {
    const at = performance.now();
    server.setSnapshot(WAYPOINT, pipeline.update({ [serviceFile(services)]: text }));
    await accepted(server);
    return { ms: rounded(performance.now() - at), bytes: bytesOf(take()) };
  };
  const added = await change(serviceText(services));
  const removed = await change(undefined);
  return { addedMs: added.ms, addedBytes: added.bytes, removedMs: removed.ms, removedBytes: removed.bytes };
}

/** A thousand edits of one service each, handed to the server as fast as it takes them; then a thousand files at once. */
async function burst({ pipeline, server, services, take }: Bed, edits: number) {
  const base = pipeline.update();
  const programs = [...(base.get(EXTENSION) ?? [])].filter(([name]) => name.startsWith('authz/'));
  let snapshot = base;
  const before = process.cpuUsage();
  for (let edit = 0; edit < edits; edit++) {
    const [name, resource] = programs[edit % programs.length] ?? [];
    const other = programs[(edit + 1) % programs.length]?.[1];
    if (name === undefined || resource === undefined || other === undefined)
      throw new Error('expected programs, came none');
    const edited = new Map(snapshot.get(EXTENSION)).set(name, {
      ...resource,
      version: `${edit}`,
      value: resource.value,
    });
    snapshot = new Map(snapshot).set(EXTENSION, edited);
    server.setSnapshot(WAYPOINT, snapshot);
    if (edit % 10 === 9) await setImmediate();
  }
  await accepted(server);
  const { user, system } = process.cpuUsage(before);
  const responses = responsesOf(take());
  server.setSnapshot(WAYPOINT, base);
  await accepted(server);
  take();
  const texts = Array.from({ length: Math.min(edits, services) }, (_, index) => [
    serviceFile(index),
    serviceText(index, { path: '/burst' }),
  ]);
  const files = cpuOf(() =>
    server.setSnapshot(WAYPOINT, pipeline.update(Object.fromEntries(texts) as Record<string, string>)),
  );
  await accepted(server);
  const cpu = rounded((user + system) / 1_000);
  return { xdsCpu: cpu, xdsResponses: responses, filesCpu: rounded(files.ms), filesResponses: responsesOf(take()) };
}
