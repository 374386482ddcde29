import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isAlive } from '#proxy/process.ts';
import { serveFixedAds, type FixedAds } from './fixed-ads.ts';
import { freePort } from './free-port.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Running {
  readonly child: ChildProcess;
  readonly envoy: number;
  readonly said: readonly string[];
}

describe('when the supervising process ends', () => {
  let folder: string;
  let state: string;
  let ads: FixedAds;
  let port: number;
  const envoys: number[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'process-'));
    const outfile = join(folder, 'program.mjs');
    const entry = join(ROOT, 'test/envoy/proxy-process.ts');
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      absWorkingDir: ROOT,
    });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  beforeEach(async () => {
    state = await mkdtemp(join(folder, 's-'));
    ads = await serveFixedAds(join(state, 'xds.sock'));
    port = await freePort();
  });
  afterEach(async () => {
    await ads.close();
    // Only ids that this test was told by its own children.
    for (const pid of envoys.splice(0)) if (await isAlive(pid, undefined)) process.kill(pid, 'SIGKILL');
  });

  async function run(): Promise<Running> {
    const child = spawn(
      process.execPath,
      [join(folder, 'program.mjs'), join(state, 'envoy'), join(state, 'xds.sock'), String(port)],
      {
        stdio: ['pipe', 'pipe', 'ignore'],
      },
    );
    const said: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      said.push(line);
      const envoy = Number(/^ready (\d+)/.exec(line)?.[1]);
      if (!envoy) continue;
      envoys.push(envoy);
      child.stdout.resume();
      return { child, envoy, said };
    }
    return expect.unreachable(`the program ended after: ${said.join(', ')}`);
  }
  const live = (): Promise<boolean> =>
    new Promise((resolve) =>
      get({ host: '127.0.0.1', port, path: '/ready', agent: false }, (response) =>
        resolve(response.resume().statusCode === 200),
      ).on('error', () => resolve(false)),
    );

  it('by SIGKILL, Envoy serves on, and the next run adopts it', async () => {
    const first = await run();
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    expect(await live()).toBe(true);
    const second = await run();
    expect(second.said).toEqual(['adopted', `ready ${first.envoy}`]);
    second.child.kill('SIGTERM');
    await once(second.child, 'exit');
    expect(await isAlive(first.envoy, undefined)).toBe(false);
    expect(existsSync(join(state, 'envoy'))).toBe(false);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('by %s, nothing is left', async (signal) => {
    const { child, envoy } = await run();
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal]);
    expect(await isAlive(envoy, undefined)).toBe(false);
    expect(existsSync(join(state, 'envoy'))).toBe(false);
  });

  it('by an error that nobody catches, nothing is left', async () => {
    const { child, envoy } = await run();
    child.stdin?.write('now\n');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).not.toBe(0);
    expect(await isAlive(envoy, undefined)).toBe(false);
    expect(existsSync(join(state, 'envoy'))).toBe(false);
  });
});
