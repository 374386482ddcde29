import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Running, World } from '#admin/api.ts';
import { serveAdmin } from '#admin/server.ts';
import { adminSocket } from '#admin/state-folder.ts';
import { openAuthority } from '#identity/authority-folder.ts';
import type { StopOptions } from '#proxy/stop.ts';
import type { FileTexts } from '#resources/files.ts';
import { watch } from '#resources/watch.ts';
import { parseNodeId } from '#xds/node.ts';
import { createXdsServer, type XdsServer } from '#xds/server.ts';
import { moduleFiles } from '../modules.ts';
import { createFleet, type Fleet } from './fleet.ts';
import { installModules } from './modules-folder.ts';
import type { MeshEvent } from './event.ts';
import type { MeshOptions } from './options.ts';
import { typeName } from './proxies.ts';
import { createRunning } from './running.ts';
import { createWorld } from './world.ts';

export interface Mesh {
  readonly running: Running;
  /** Resolves when every waypoint's Envoy serves. */
  ready(timeoutMs?: number): Promise<void>;
  /** Reads the files again now, without waiting for the watch. */
  reload(): Promise<void>;
  /** Ends Envoys (drained unless told otherwise) and takes all sockets away. */
  stop(how?: StopOptions): Promise<void>;
}

const EMPTY: World = { model: { waypoints: [], ingresses: [] }, findings: [], statuses: [] };

/**
 * Runs every waypoint that the files describe: resources to configuration to Envoys, and again with each edit. What
 * cannot be read or understood is reported, and what was served before stays in service. Rejects if the files cannot
 * be read at the start, or an Envoy does not start.
 */
export async function startMesh(options: MeshOptions): Promise<Mesh> {
  const { state, report } = options;
  await mkdir(state, { recursive: true, mode: 0o700 });
  const modules = await installModules(join(state, 'modules'), moduleFiles());
  const authority = options.credentials ? undefined : await openAuthority(join(state, 'ca'), options.trustDomain);
  // An Envoy that an earlier run left may be back before the files are read: it waits instead of being turned away.
  let loaded = false;
  const xds = xdsServer(options, (key) => !loaded || fleet.has(key));
  const xdsSocket = join(state, 'xds.sock');
  const fleet: Fleet = createFleet({ options, modules, xds, xdsSocket, authority });
  const toWorld = createWorld(options);
  let world = EMPTY;

  async function update(texts: FileTexts): Promise<void> {
    const began = performance.now();
    world = toWorld(texts);
    const changed = await fleet.apply(world.model.waypoints);
    report({ kind: 'translated', ms: performance.now() - began, changed, findings: world.findings });
    if (changed) void acceptance(began);
  }

  /** Says when the last change is in force everywhere; a newer change takes the word from an older one. */
  let newest = new AbortController();
  async function acceptance(began: number): Promise<void> {
    newest.abort();
    const { signal } = (newest = new AbortController());
    await Promise.all(
      fleet.all().map(async ({ key }) => {
        const outcome = await xds.settled(key, signal).catch(() => undefined);
        if (outcome?.nacks.length === 0) report({ kind: 'accepted', waypoint: key, ms: performance.now() - began });
      }),
    );
  }

  // One after the other: a second edit never overtakes the first.
  let queue: Promise<void> = Promise.resolve();
  const enqueue = (texts: () => FileTexts): Promise<void> => {
    const run = (): Promise<void> => update(texts());
    return (queue = queue.then(run, run));
  };
  // One reader for the watch and for who asks: an older reading can never be applied after a newer one.
  const watcher = watch(
    options.paths,
    () => void enqueue(() => watcher.latest()).catch((error: Error) => report(failed(error))),
    options.stdin === undefined ? {} : { input: options.stdin },
  );
  const reload = (): Promise<void> => enqueue(() => watcher.read());

  const running = createRunning({ options, xds, fleet, authority, world: () => world, reload });
  const admin = await serveAdmin(running, adminSocket(state)).catch((error: unknown) => {
    watcher.close();
    throw error;
  });
  const release = async (how?: StopOptions): Promise<void> => {
    watcher.close();
    await queue.catch(() => undefined);
    newest.abort();
    await fleet.stop(how);
    await xds.close();
    await admin.close();
  };
  try {
    await xds.listen(xdsSocket);
    await enqueue(() => watcher.latest());
    loaded = true;
  } catch (error) {
    await release({ drainMs: 0 });
    throw error;
  }

  let stopping: Promise<void> | undefined;
  return {
    running,
    ready: async (timeoutMs) => void (await Promise.all(fleet.all().map((waypoint) => waypoint.ready(timeoutMs)))),
    reload,
    stop: (how) => (stopping ??= release(how)),
  };
}

/** The socket lies in a folder that only we can enter, so whoever connects may be any waypoint that there is. */
function xdsServer({ report }: MeshOptions, has: (key: string) => boolean): XdsServer {
  return createXdsServer({
    authorize(node) {
      return has(node.key) ? { key: node.key } : { refused: `there is no waypoint ${node.key} in the files` };
    },
    onEvent(event) {
      if (event.kind !== 'nack') return;
      const node = parseNodeId(event.node);
      const waypoint = 'key' in node ? node.key : event.node;
      report({ kind: 'rejected', waypoint, type: typeName(event.typeUrl), name: event.name, reason: event.reason });
    },
  });
}

/** An update failed as a whole: a bug, or an Envoy that cannot be started. The next change tries again. */
const failed = (error: Error): MeshEvent => ({
  kind: 'finding',
  finding: {
    code: 'PTL2002',
    level: 'error',
    path: '',
    message: error.message,
    effect: 'what was read before keeps serving',
    next: 'correct what the message names; the next change of a file tries again',
  },
});
