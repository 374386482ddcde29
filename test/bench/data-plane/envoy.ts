import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { envoyAdmin, type EnvoyAdmin } from '#proxy/admin.ts';
import { kill } from './children.ts';
import { pinned } from './processor.ts';

/** A stock Envoy with one worker, pinned to one processor. */
export interface PinnedEnvoy {
  readonly pid: number;
  readonly admin: EnvoyAdmin;
  /** The port that a listener got which asked for any. */
  port(listener: string): Promise<number>;
  stop(): Promise<void>;
}

export interface PinnedEnvoyOptions {
  readonly binary: string;
  readonly processor: number;
  /** An empty folder of its own; the admin socket is `admin.sock` in it. */
  readonly folder: string;
  /** JSON without `admin`, or an encoded bootstrap that has it. */
  readonly bootstrap: Readonly<Record<string, unknown>> | Uint8Array;
}

/** Ten thousand rules of each kind take some seconds to load. */
const READY_MS = 90_000;

/** Starts it and waits until it is ready. Throws with what it said when it does not become so. */
export async function startPinned({ binary, processor, folder, bootstrap }: PinnedEnvoyOptions): Promise<PinnedEnvoy> {
  mkdirSync(folder, { recursive: true });
  const socket = join(folder, 'admin.sock');
  const encoded = bootstrap instanceof Uint8Array;
  const config = join(folder, encoded ? 'bootstrap.pb' : 'bootstrap.json');
  const admin = { address: { pipe: { path: socket, mode: 0o600 } } };
  writeFileSync(config, encoded ? bootstrap : JSON.stringify({ ...bootstrap, admin }), { mode: 0o600 });
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'w');
  const flags = ['-c', config, '--concurrency', '1', '--disable-hot-restart', '-l', 'warning'];
  const child = spawn(...pinned(processor, binary, flags), { stdio: ['ignore', log, log] });
  closeSync(log);
  kill(child);
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${binary} did not start`);
  const envoy: PinnedEnvoy = {
    pid,
    admin: envoyAdmin(socket, 30_000),
    async port(listener) {
      const { listener_statuses: all } = (await envoy.admin.getJson('/listeners?format=json')) as ListenerStatuses;
      const found = all.find(({ name }) => name === listener);
      if (found === undefined) throw new Error(`Envoy has no listener ${listener}`);
      return found.local_address.socket_address.port_value;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
  const said = (): string => readFileSync(logFile, 'utf8').slice(-4_000);
  for (const end = Date.now() + READY_MS; (await envoy.admin.state()) !== 'LIVE'; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`Envoy ended with status ${child.exitCode}: ${said()}`);
    if (Date.now() < end) continue;
    await envoy.stop();
    throw new Error(`Envoy was not ready in ${READY_MS} ms: ${said()}`);
  }
  return envoy;
}

interface ListenerStatuses {
  readonly listener_statuses: readonly {
    readonly name: string;
    readonly local_address: { readonly socket_address: { readonly port_value: number } };
  }[];
}
