import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tunnel } from '#hbone/tunnel.ts';
import { documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

const HTTP = '10.96.9.10:80';
const TCP = '10.96.9.11:5432';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.9.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.19.1' }),
  service({ name: 'db', ip: '10.96.9.11', port: 5432, portName: 'tcp-db' }),
  pod({ name: 'db-1', app: 'db', ip: '127.0.19.2', labels: { 'test/tcp': 'true' } }),
);

/** All that comes through a tunnel until it is closed, and the error that closed it. */
function everything(tunnel: Tunnel): Promise<string> {
  let text = '';
  tunnel.on('data', (chunk: Buffer) => (text += chunk.toString()));
  tunnel.on('error', (error) => (text += error.message));
  return new Promise((resolve) => tunnel.once('close', () => resolve(text)));
}

describe('streams', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh({ 'mesh.yaml': BASE });
  });
  afterAll(() => mesh?.stop());

  it('250 tunnels at once, no more than 100 on one connection', async () => {
    const tls = await mesh.tls('default/sleep');
    const tunnels: Tunnel[] = [];
    const closed: Promise<string>[] = [];
    const open = async (index: number): Promise<void> => {
      const tunnel = await mesh.client.connect({ waypoint: mesh.waypoint, authority: TCP, tls });
      // Listened to at once: one may be reset while others are still being opened.
      closed[index] = everything(tunnel);
      tunnels[index] = tunnel;
    };
    await Promise.all(Array.from({ length: 250 }, (_, index) => open(index)));
    expect(mesh.client.connections()).toBe(3);
    tunnels.forEach((tunnel, index) => tunnel.end(`${index}\n`));
    expect(await Promise.all(closed)).toEqual(tunnels.map((_, index) => `hello\n${index}\ngoodbye\n`));
  });

  it('20 MB down and 20 MB up pass without being held', async () => {
    const size = 20 << 20;
    const down = await mesh.call({ to: HTTP, path: `/bytes/${size}` });
    expect(down.body.length).toBe(size);
    const up = await mesh.call({ to: HTTP, method: 'POST', path: '/upload', body: Buffer.alloc(size) });
    expect(up.status).toBe(200);
    expect(mesh.pod('web-1').seen.at(-1)?.body).toBe(size);
  });

  it('drains gracefully: a stream that is open is finished, and then nobody is left to talk to', async () => {
    const tls = await mesh.tls('default/drain');
    const tunnel = await mesh.client.connect({ waypoint: mesh.waypoint, authority: TCP, tls });
    let text = '';
    tunnel.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(tunnel, 'data');
    const stopping = mesh.mesh.stop({ drainMs: 10_000 });
    await wait(500);
    tunnel.end('still here\n');
    await once(tunnel, 'close');
    expect(text).toBe('hello\nstill here\ngoodbye\n');
    await stopping;
    await expect(mesh.call({ to: HTTP, as: 'default/late' })).rejects.toThrow(/cannot be reached/);
  });
});
