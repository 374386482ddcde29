import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEnvoy } from '#proxy/find.ts';

/** A bootstrap without `admin`; listeners bind 127.0.0.1 port 0 and are found by their name. */
export type Bootstrap = Readonly<Record<string, unknown>>;

/** A running stock Envoy with its admin on a Unix socket in a folder of its own. */
export class RealEnvoy {
  readonly folder: string;
  readonly #process: ChildProcess;
  #said = '';
  #exit: number | null | undefined;

  private constructor(folder: string, process: ChildProcess) {
    this.folder = folder;
    this.#process = process;
    process.stderr?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
    process.on('exit', (code) => (this.#exit = code));
  }

  /** Starts Envoy and waits until it is ready. Throws with what it said when it does not start within 20 s. */
  static async start(bootstrap: Bootstrap, args: readonly string[] = []): Promise<RealEnvoy> {
    const { path: binary } = await findEnvoy();
    const folder = mkdtempSync(join(tmpdir(), 'portolan-envoy-'));
    const admin = { address: { pipe: { path: join(folder, 'admin.sock'), mode: 0o600 } } };
    writeFileSync(join(folder, 'envoy.json'), JSON.stringify({ ...bootstrap, admin }));
    const child = spawn(
      binary,
      ['-c', join(folder, 'envoy.json'), '--concurrency', '1', '--disable-hot-restart', '-l', 'warning', ...args],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const envoy = new RealEnvoy(folder, child);
    for (const end = Date.now() + 20_000; ; await sleep(25)) {
      if (envoy.#exit !== undefined) throw new Error(`Envoy ended with ${envoy.#exit}: ${envoy.log.slice(-4000)}`);
      if ((await envoy.admin('/ready').catch(() => '')).startsWith('LIVE')) return envoy;
      if (Date.now() > end) {
        await envoy.stop();
        throw new Error(`Envoy was not ready in 20 s: ${envoy.log.slice(-4000)}`);
      }
    }
  }

  /** Everything Envoy said on standard error. */
  get log(): string {
    return this.#said;
  }

  /** The port that the named listener got. */
  async port(listener: string): Promise<number> {
    const answer = JSON.parse(await this.admin('/listeners?format=json')) as {
      listener_statuses: { name: string; local_address: { socket_address: { port_value: number } } }[];
    };
    const found = answer.listener_statuses.find((status) => status.name === listener);
    if (!found) throw new Error(`Envoy has no listener ${listener}`);
    return found.local_address.socket_address.port_value;
  }

  /** The body that the admin interface answers. */
  admin(path: string, method = 'GET'): Promise<string> {
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: join(this.folder, 'admin.sock'), path, method, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve(body));
      });
      call.on('error', reject);
      call.end();
    });
  }

  async stop(): Promise<void> {
    if (this.#exit === undefined) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
