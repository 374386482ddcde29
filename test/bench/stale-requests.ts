import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createXdsServer } from '#xds/server.ts';
import { freePort } from '../envoy/free-port.ts';
import { startEnvoy } from '../envoy/xds-envoy.ts';
import { inlineListener, listener, policy, routes, snapshot } from '../envoy/xds-world.ts';

const KEY = 'bookinfo/waypoint';
const RATE = 20;
const LIMIT = 60_000;

/**
 * How many requests a keep-alive connection is still allowed at 20 a second after Envoy has acknowledged a deny, and
 * for how many milliseconds; with the policy as a discovered filter, and in the listener. Envoy drains for 45 seconds,
 * Istio's default.
 */
export async function staleRequests(
  shape: 'ours' | 'inline',
): Promise<{ readonly stale: number; readonly staleMs: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'portolan-bench-'));
  const port = await freePort();
  const world = (allow: boolean) =>
    snapshot(
      shape === 'ours'
        ? [
            listener('front', port, { routes: 'front', policy: 'authz/front' }),
            routes('front', { body: 'ok' }),
            policy('authz/front', allow),
          ]
        : [inlineListener('front', port, { routes: 'front', allow }), routes('front', { body: 'ok' })],
    );
  const server = createXdsServer({ authorize: (node) => ({ key: node.key }) });
  server.setSnapshot(KEY, world(true));
  await server.listen(join(folder, 'xds.sock'));
  const envoy = await startEnvoy({ xds: join(folder, 'xds.sock'), drainSeconds: 45 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await envoy.ready();
    await server.settled(KEY, AbortSignal.timeout(10_000));
    if ((await status(port, agent)) !== 200) throw new Error('expected the policy to allow requests before the deny');
    server.setSnapshot(KEY, world(false));
    await server.settled(KEY, AbortSignal.timeout(10_000));
    const acknowledged = performance.now();
    let stale = 0;
    while (performance.now() - acknowledged < LIMIT && (await status(port, agent)) === 200) {
      stale++;
      await sleep(1_000 / RATE);
    }
    return { stale, staleMs: stale === 0 ? 0 : Math.round(performance.now() - acknowledged) };
  } finally {
    agent.destroy();
    await envoy.stop();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const status = async (port: number, agent: Agent): Promise<number> =>
  new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    call.on('error', reject).end();
  });
