import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { envoyAdmin, type EnvoyAdmin } from './admin.ts';
import { GuidedError } from './guidance.ts';
import { fingerprint, launch, type LaunchOptions } from './launch.ts';
import { followLog, type LogFile } from './log-file.ts';
import { parseLogLine, type LogLine } from './log-line.ts';
import { isAlive, startTime } from './process.ts';
import {
  envoyFiles,
  prepare,
  readRecord,
  removeFiles,
  writeRecord,
  type EnvoyFiles,
  type ProcessRef,
} from './state.ts';
import { endBeforeExit, endEnvoy, type StopOptions } from './stop.ts';

export type SupervisorEvent =
  | { readonly kind: 'started'; readonly pid: number }
  /** An Envoy of an earlier run serves on, untouched. */
  | { readonly kind: 'adopted'; readonly pid: number }
  /** An Envoy of an earlier run was started with other options: it is drained and ended first. */
  | { readonly kind: 'replacing'; readonly pid: number }
  | { readonly kind: 'crashed'; readonly pid: number; readonly reason: string; readonly restartInMs: number }
  | { readonly kind: 'stopped' };

export interface SuperviseOptions extends LaunchOptions {
  /** Folder of this Envoy alone. The bootstrap must name `envoyFiles(folder).adminSocket`. */
  readonly folder: string;
  onLog(line: LogLine): void;
  onEvent(event: SupervisorEvent): void;
  /** How an Envoy of an earlier run is drained that must be replaced. */
  readonly replaceDrainMs?: number;
}

export interface Supervisor {
  readonly admin: EnvoyAdmin;
  /** Of the Envoy that runs now. */
  pid(): number;
  /** Resolves when Envoy serves: it has its first configuration. Rejects after so long (60,000 ms unless said otherwise). */
  ready(timeoutMs?: number): Promise<void>;
  /** Drains, then ends Envoy, and removes its files. A second call ends the draining of the first. */
  stop(options?: StopOptions): Promise<void>;
  /** Ends supervision and leaves Envoy running; a later `supervise` of the same folder adopts it. */
  leave(): Promise<void>;
}

const BACKOFF_MS = { first: 100, longest: 30_000, forgottenAfter: 60_000 };
/** Between looks at an Envoy that is not our child. */
const WATCH_MS = 250;

/**
 * Keeps one Envoy running. Starts it, or adopts the one that an earlier run left; starts it again when it ends by
 * itself, at once and then more and more slowly. When our process exits Envoy ends with it; when our process is killed
 * Envoy goes on serving. Rejects, with what Envoy said last, if it does not start at all.
 */
export async function supervise(options: SuperviseOptions): Promise<Supervisor> {
  const files = envoyFiles(options.folder);
  const admin = envoyAdmin(files.adminSocket);
  const wanted = fingerprint(files, options);
  const self = await reference(process.pid);
  await prepare(files);

  let envoy = await adopt(files, admin, wanted, options);
  const recent: LogLine[] = [];
  const tail = (from: 'start' | 'end'): Promise<LogFile> =>
    followLog(files.log, {
      from,
      onLine(text) {
        const line = parseLogLine(text);
        recent.push(line);
        if (recent.length > 20) recent.shift();
        options.onLog(line);
      },
    });

  let log: LogFile | undefined;
  let child: ChildProcess | undefined;
  let over = false;
  let left = false;
  let startedAt = Date.now();
  let crashes = 0;
  const ending = new AbortController();

  async function start(): Promise<ProcessRef> {
    child = await launch(files, options);
    const ref = await reference(child.pid ?? 0);
    startedAt = Date.now();
    log ??= await tail('start');
    await writeRecord(files, { envoy: ref, supervisor: self, fingerprint: wanted });
    options.onEvent({ kind: 'started', pid: ref.pid });
    return ref;
  }

  if (envoy) {
    log = await tail('end');
    await writeRecord(files, { envoy, supervisor: self, fingerprint: wanted });
    options.onEvent({ kind: 'adopted', pid: envoy.pid });
  } else {
    envoy = await start();
    await answering(envoy);
  }
  let current: ProcessRef = envoy;
  const release = endBeforeExit(() => current.pid, files);
  const watching = watch();

  /** Waits until the admin socket answers; rejects if Envoy ends before. */
  async function answering(ref: ProcessRef): Promise<void> {
    while ((await admin.state()) === 'DOWN') {
      if (!(await isAlive(ref.pid, ref.started))) {
        await log?.close();
        await removeFiles(files);
        throw notStarted(options, recent);
      }
      await wait(20);
    }
  }

  async function watch(): Promise<void> {
    for (;;) {
      const reason = await ended(current, child, ending.signal);
      if (over) return;
      if (Date.now() - startedAt > BACKOFF_MS.forgottenAfter) crashes = 0;
      const restartInMs = Math.min(BACKOFF_MS.first * 2 ** crashes++, BACKOFF_MS.longest);
      options.onEvent({ kind: 'crashed', pid: current.pid, reason, restartInMs });
      await wait(restartInMs, undefined, { signal: ending.signal }).catch(() => undefined);
      if (over) return;
      try {
        current = await start();
      } catch (error) {
        // The binary is gone, or there is no process to be had: the next round waits longer.
        options.onLog({ level: 'error', logger: 'supervisor', message: (error as Error).message });
      }
    }
  }

  async function finish(): Promise<void> {
    over = true;
    ending.abort();
    await watching;
  }

  let stopping: Promise<void> | undefined;
  const impatient = new AbortController();
  async function stop(how: StopOptions): Promise<void> {
    await finish();
    await endEnvoy(current, admin, { ...how, hurry: impatient.signal });
    release();
    await log?.close();
    await removeFiles(files);
    options.onEvent({ kind: 'stopped' });
  }

  return {
    admin,
    pid: () => current.pid,
    ready: (timeoutMs = 60_000) => ready(admin, timeoutMs),
    stop(how = {}) {
      if (left) return Promise.resolve();
      if (stopping) impatient.abort();
      return (stopping ??= stop(how));
    },
    async leave() {
      left = true;
      await finish();
      release();
      await log?.close();
    },
  };
}

const reference = async (pid: number): Promise<ProcessRef> => ({ pid, started: await startTime(pid) });

/**
 * The Envoy that an earlier run left in this folder, if it is alive, answers, and was started with the same options.
 * One that was started otherwise, or hangs, is ended here. Throws if the run that started it is alive itself.
 */
async function adopt(
  files: EnvoyFiles,
  admin: EnvoyAdmin,
  wanted: string,
  options: SuperviseOptions,
): Promise<ProcessRef | undefined> {
  const record = await readRecord(files);
  if (!record) return undefined;
  const { envoy, supervisor } = record;
  const isOurs = supervisor.pid === process.pid;
  if (!isOurs && (await isAlive(supervisor.pid, supervisor.started))) {
    throw new GuidedError('another portolan runs with this state folder', {
      expected: `a folder that no other process uses: ${files.folder}`,
      came: `process ${supervisor.pid}, with Envoy ${envoy.pid}`,
      next: `end that process (kill ${supervisor.pid}), or name another state folder`,
    });
  }
  if (!(await isAlive(envoy.pid, envoy.started))) return undefined;
  const state = await admin.state();
  if (record.fingerprint === wanted && state !== 'DOWN' && state !== 'DRAINING') return envoy;
  options.onEvent({ kind: 'replacing', pid: envoy.pid });
  await endEnvoy(envoy, admin, { drainMs: state === 'DOWN' ? 0 : (options.replaceDrainMs ?? 5_000) });
  return undefined;
}

/** Resolves with a reason when Envoy has ended, or when waiting is given up. */
async function ended(ref: ProcessRef, child: ChildProcess | undefined, given: AbortSignal): Promise<string> {
  if (child?.pid === ref.pid) {
    if (child.exitCode === null && child.signalCode === null) {
      await once(child, 'exit', { signal: given }).catch(() => undefined);
    }
    return child.signalCode === null ? `status ${child.exitCode}` : `signal ${child.signalCode}`;
  }
  while (!given.aborted && (await isAlive(ref.pid, ref.started))) {
    await wait(WATCH_MS, undefined, { signal: given, ref: false }).catch(() => undefined);
  }
  return 'it is not our child, so its status is not known';
}

async function ready(admin: EnvoyAdmin, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let state = await admin.state();
  while (state !== 'LIVE') {
    if (Date.now() > deadline) {
      throw new GuidedError(`Envoy was not ready after ${timeoutMs} ms`, {
        expected: 'state LIVE: it has its listeners and clusters from the xDS server',
        came: state === 'DOWN' ? 'no answer from its admin socket' : `state ${state}`,
        next: "see Envoy's log lines above, and whether the xDS server answers it",
      });
    }
    await wait(25);
    state = await admin.state();
  }
}

function notStarted(options: SuperviseOptions, recent: readonly LogLine[]): GuidedError {
  const grave = recent.filter(({ level }) => level === 'critical' || level === 'error');
  const last = (grave.length > 0 ? grave : recent).slice(-3).map(({ message }) => message);
  return new GuidedError('Envoy does not start', {
    expected: `${options.binary.path} to run with the bootstrap that Portolan wrote`,
    came: last.join('\n            ') || 'it ended without a word',
    next: 'see whether an address in it is in use by another process; else report this with the lines above',
  });
}
