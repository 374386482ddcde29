import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adminClient } from '#admin/client.ts';
import { adminSocket } from '#admin/state-folder.ts';
import { openMesh, type MeshConnection } from '#cli/request.ts';
import { createHboneClient } from '#hbone/client.ts';
import { openAuthority } from '#identity/authority-folder.ts';
import { spiffeId } from '#model/identity.ts';
import { envoyAdmin } from '#proxy/admin.ts';
import { documents, gateway, NAMESPACE, pod, policy, service } from './mesh/manifests.ts';
import { freePort } from './mesh/mesh.ts';
import { startPod, type EchoPod } from './mesh/pod.ts';

const CLI = join(import.meta.dirname, '../../dist/portolan.js');
const VIP = '10.96.6.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.6.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.16.1' }),
  policy('open', 'web', 'ALLOW', '[{to: [{operation: {paths: ["/open/*"]}}]}]'),
);

// The real command in a process of its own, killed without warning: what it leaves behind must go on.
describe('kill -9 of the runtime', () => {
  const root = mkdtempSync(join(tmpdir(), 'portolan-restart-'));
  const files = join(root, 'mesh');
  const state = join(root, 'state');
  const client = createHboneClient();
  let ports: { bind: number; page: number };
  let process_: ChildProcess;
  let application: EchoPod;
  let connection: MeshConnection;

  async function start(): Promise<{ child: ChildProcess; said: () => string }> {
    const child = spawn(
      process.execPath,
      [
        CLI,
        'run',
        '-f',
        files,
        '--state',
        state,
        '--bind',
        `127.0.0.1:${ports.bind}`,
        '--page',
        `127.0.0.1:${ports.page}`,
        '--concurrency',
        '1',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    for (let tries = 0; !text.includes(' ready in '); tries++) {
      if (tries > 300 || child.exitCode !== null) throw new Error(`portolan run did not start:\n${text}`);
      await wait(100);
    }
    return { child, said: () => text };
  }

  const get = async (path: string): Promise<number> =>
    (await connection.send({ method: 'GET', path, host: 'web', headers: [], timeoutMs: 5_000 })).status;

  const envoy = envoyAdmin(join(state, 'shop-waypoint/admin.sock'));
  const updates = async (): Promise<Record<string, number>> => {
    const stats = await envoy.stats(
      '(update_success|update_rejected|listener_(added|modified|removed)|cluster_(added|modified|removed)|config_reload|ssl_context_update_by_sds)$',
    );
    return Object.fromEntries(stats);
  };

  beforeAll(async () => {
    mkdirSync(files);
    mkdirSync(state, { mode: 0o700 });
    writeFileSync(join(files, 'mesh.yaml'), BASE);
    ports = { bind: await freePort(), page: await freePort() };
    const authority = await openAuthority(join(state, 'ca'), 'cluster.local');
    application = await startPod(authority, {
      name: 'web-1',
      namespace: 'shop',
      serviceAccount: 'web',
      address: '127.0.16.1',
      port: 8080,
      tunnel: 'hbone',
    });
    ({ child: process_ } = await start());
    const { certificate, key } = await authority.issue({ spiffeId: spiffeId('cluster.local', 'default', 'sleep') });
    connection = openMesh(client, {
      waypoint: { host: '127.0.0.1', port: ports.bind },
      authority: VIP,
      tls: { cert: certificate, key, ca: authority.root },
    });
  });
  afterAll(async () => {
    connection?.close();
    await client.close(0);
    process_?.kill('SIGTERM');
    if (process_ && process_.exitCode === null) await once(process_, 'exit');
    await application?.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('leaves Envoy serving, allowing and denying as before', async () => {
    expect(await get('/open/x')).toBe(200);
    process_.kill('SIGKILL');
    await once(process_, 'exit');
    expect(await get('/open/x')).toBe(200);
    expect(await get('/secret')).toBe(403);
  });

  it('starting again finds that Envoy and changes nothing in it', async () => {
    const before = await updates();
    const { child, said } = await start();
    process_ = child;
    expect(said()).toContain('serves on');
    const settled = await adminClient(adminSocket(state)).settled(20_000);
    expect(settled).toMatchObject({ settled: true, proxies: 1 });
    await wait(500);
    expect(await updates()).toEqual(before);
    expect(await get('/open/x')).toBe(200);
  });

  it('and an edit is taken up as ever', async () => {
    writeFileSync(join(files, 'mesh.yaml'), BASE.replace('/open/*', '/secret'));
    await adminClient(adminSocket(state)).settled(20_000);
    expect(await get('/secret')).toBe(200);
    expect(await get('/open/x')).toBe(403);
  });

  it('a regular end leaves no process behind', async () => {
    process_.kill('SIGTERM');
    await once(process_, 'exit');
    expect(process_.exitCode).toBe(0);
    expect(await envoy.state()).toBe('DOWN');
  });
});
