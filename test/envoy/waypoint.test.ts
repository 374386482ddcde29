import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documents, gateway, NAMESPACE, pod, policy, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';
import type { Seen } from './mesh/pod.ts';

const VIP = '10.96.1.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.1.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.11.1' }),
  service({ name: 'legacy', ip: '10.96.1.11' }),
  pod({ name: 'legacy-1', app: 'legacy', ip: '127.0.11.2', labels: { 'istio.io/dataplane-mode': 'none' } }),
  service({ name: 'impostor', ip: '10.96.1.12' }),
  pod({ name: 'impostor-1', app: 'impostor', ip: '127.0.11.3' }),
);

describe('a waypoint for services', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    // The impostor's endpoint proves a good identity of the mesh that is not its own.
    const identity = 'spiffe://cluster.local/ns/shop/sa/somebody-else';
    mesh = await startTestMesh({ 'mesh.yaml': BASE }, {}, { 'impostor-1': { identity } });
  });
  afterAll(() => mesh?.stop());

  it('carries a request to the endpoint, as the waypoint', async () => {
    const { status, body } = await mesh.call({ to: VIP, path: '/hello?x=1' });
    expect(status).toBe(200);
    const seen = JSON.parse(body.toString()) as Seen;
    expect(seen).toMatchObject({ pod: 'web-1', method: 'GET', path: '/hello?x=1' });
    expect([...mesh.pod('web-1').callers]).toEqual(['spiffe://cluster.local/ns/shop/sa/waypoint']);
  });

  it('reaches an endpoint that is not in the mesh by plain TCP', async () => {
    expect((await mesh.call({ to: '10.96.1.11:80' })).status).toBe(200);
  });

  it('sends nothing to an endpoint that proves another identity than its own', async () => {
    expect((await mesh.call({ to: '10.96.1.12:80' })).status).toBe(503);
    expect(mesh.pod('impostor-1').seen).toEqual([]);
  });

  it('allows and denies by identity, from the next request on, on a connection that is open', async () => {
    const connection = await mesh.open(VIP, 'default/sleep');
    const get = async (): Promise<number> =>
      (await connection.send({ method: 'GET', path: '/', host: 'web', headers: [], timeoutMs: 5_000 })).status;
    expect(await get()).toBe(200);
    await mesh.apply(
      'policy.yaml',
      policy('deny-sleep', 'web', 'DENY', '[{from: [{source: {principals: [cluster.local/ns/default/sa/sleep]}}]}]'),
    );
    expect(await get()).toBe(403);
    const other = await mesh.call({ to: VIP, as: 'default/curl' });
    expect(other.status).toBe(200);
    await mesh.apply('policy.yaml', '');
    expect(await get()).toBe(200);
    connection.close();
  });
});
