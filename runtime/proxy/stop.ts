import { setTimeout as wait } from 'node:timers/promises';
import type { EnvoyAdmin } from './admin.ts';
import { isAlive, isAliveSync, signal } from './process.ts';
import { removeFilesSync, type EnvoyFiles, type ProcessRef } from './state.ts';

export interface StopOptions {
  /** Requests and tunnels that are open get so long; 0 cuts them. 45,000 unless said otherwise. */
  readonly drainMs?: number;
  /** Aborted: waits no longer. */
  readonly hurry?: AbortSignal;
}

/** From SIGTERM to SIGKILL. */
const TERM_MS = 5_000;

/**
 * Ends an Envoy: its listeners refuse new connections and ask open ones to go; once no request is open, or the time is
 * up, SIGTERM; then SIGKILL. Returns when the process is gone.
 */
export async function endEnvoy(envoy: ProcessRef, admin: EnvoyAdmin, options: StopOptions): Promise<void> {
  const { drainMs = 45_000, hurry } = options;
  const deadline = Date.now() + drainMs;
  if (drainMs > 0) await drain(envoy, admin, deadline, hurry);
  if (!signal(envoy.pid, 'SIGTERM')) return;
  if (await goneWithin(envoy, TERM_MS)) return;
  signal(envoy.pid, 'SIGKILL');
  await goneWithin(envoy, TERM_MS);
}

async function drain(envoy: ProcessRef, admin: EnvoyAdmin, deadline: number, hurry?: AbortSignal): Promise<void> {
  try {
    await admin.post('/drain_listeners?graceful&skip_exit');
    while (Date.now() < deadline && (await isAlive(envoy.pid, envoy.started))) {
      if (hurry?.aborted) return;
      if ((await openRequests(admin)) === 0) return;
      await wait(100, undefined, hurry ? { signal: hurry } : {}).catch(() => undefined);
    }
  } catch {
    // It does not answer: there is nothing to wait for.
  }
}

/** A tunnel is a request of its listener as long as it is open; so is each request inside it. */
async function openRequests(admin: EnvoyAdmin): Promise<number> {
  const stats = await admin.stats('^(http|tcp)\\..*downstream_(rq|cx)_active$');
  let open = 0;
  for (const [name, value] of stats) {
    const counts = name.startsWith('tcp.') || name.endsWith('downstream_rq_active');
    if (counts && !name.startsWith('http.admin.')) open += value;
  }
  return open;
}

async function goneWithin(envoy: ProcessRef, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms;
  while (await isAlive(envoy.pid, envoy.started)) {
    if (Date.now() > deadline) return false;
    await wait(20);
  }
  return true;
}

/** Long enough for SIGTERM, short enough for one who waits for the prompt. */
const LAST_MOMENT_MS = 2_000;

/**
 * Sees to it that Envoy does not outlive a regular end of our process, uncaught errors included; there is no time left
 * for draining then. Returns what takes that back.
 */
export function endBeforeExit(pid: () => number, files: EnvoyFiles): () => void {
  const end = (): void => {
    const id = pid();
    if (isAliveSync(id) && signal(id, 'SIGTERM')) {
      const sleeper = new Int32Array(new SharedArrayBuffer(4));
      for (let gone = 0; gone < LAST_MOMENT_MS && isAliveSync(id); gone += 20) Atomics.wait(sleeper, 0, 0, 20);
      if (isAliveSync(id)) signal(id, 'SIGKILL');
    }
    removeFilesSync(files);
  };
  process.once('exit', end);
  return () => void process.off('exit', end);
}
