import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

const BASE = documents(
  NAMESPACE,
  gateway('all'),
  service({ name: 'web', ip: '10.96.8.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.18.1' }),
  pod({ name: 'legacy-1', app: 'legacy', ip: '127.0.18.2', labels: { 'istio.io/dataplane-mode': 'none' } }),
  pod({ name: 'impostor-1', app: 'impostor', ip: '127.0.18.3' }),
  `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-secrets, namespace: shop}
spec:
  targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: waypoint}]
  action: DENY
  rules: [{to: [{operation: {paths: ["/secret"]}}]}]
`,
);

describe('a waypoint for services and workloads', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh(
      { 'mesh.yaml': BASE },
      {},
      { 'impostor-1': { identity: 'spiffe://cluster.local/ns/shop/sa/somebody-else' } },
    );
  });
  afterAll(() => mesh?.stop());

  it('serves the service', async () => {
    expect((await mesh.call({ to: '10.96.8.10:80' })).status).toBe(200);
  });

  it('serves the pod by its own address, with its identity verified', async () => {
    const { status } = await mesh.call({ to: '127.0.18.1:8080', path: '/direct' });
    expect(status).toBe(200);
    expect(mesh.pod('web-1').seen.at(-1)?.path).toBe('/direct');
    expect([...mesh.pod('web-1').callers]).toEqual(['spiffe://cluster.local/ns/shop/sa/waypoint']);
  });

  it('keeps pods apart, one after the other', async () => {
    expect((await mesh.call({ to: '127.0.18.2:8080', path: '/plain' })).status).toBe(200);
    expect(mesh.pod('legacy-1').seen.at(-1)?.path).toBe('/plain');
    await mesh.call({ to: '127.0.18.1:8080', path: '/again' });
    expect(mesh.pod('web-1').seen.at(-1)?.path).toBe('/again');
    expect(mesh.pod('legacy-1').seen.length).toBe(1);
  });

  it('sends nothing to a pod that proves to be somebody else', async () => {
    expect((await mesh.call({ to: '127.0.18.3:8080' })).status).toBe(503);
    expect(mesh.pod('impostor-1').seen).toEqual([]);
  });

  it('counts requests to pods with the labels of each pod', async () => {
    const requests = async (pod: string, path: string): Promise<readonly string[]> => {
      for (let i = 0; i < 3; i++) await mesh.call({ to: pod, path });
      return (await mesh.metrics()).split('\n').filter((line) => line.startsWith('istio_requests_total{'));
    };
    const identity = (name: string): string => `destination_principal="spiffe://cluster.local/ns/shop/sa/${name}"`;
    const ofPod = (lines: readonly string[], name: string): readonly string[] =>
      lines.filter(
        (line) => line.includes(`destination_workload="${name}"`) && line.includes('destination_service="unknown"'),
      );
    const web = ofPod(await requests('127.0.18.1:8080', '/counted'), 'web-1');
    expect(web).toHaveLength(1);
    expect(web[0]).toContain('destination_workload_namespace="shop"');
    expect(web[0]).toContain('destination_app="web"');
    expect(web[0]).toContain(identity('web'));
    const legacy = ofPod(await requests('127.0.18.2:8080', '/counted'), 'legacy-1');
    expect(legacy).toHaveLength(1);
    expect(legacy[0]).toContain(identity('legacy'));
  });

  it('knows a pod that comes, and lets go of one that leaves, while others are served on', async () => {
    const connection = await mesh.open('127.0.18.1:8080');
    const get = async (): Promise<number> =>
      (await connection.send({ method: 'GET', path: '/kept', host: 'web', headers: [], timeoutMs: 5_000 })).status;
    expect(await get()).toBe(200);
    // The application is there already; the pod is a second name for it.
    const more = pod({ name: 'late-1', app: 'late', ip: '127.0.18.2', labels: { 'istio.io/dataplane-mode': 'none' } });
    const without = BASE.replace(/---\napiVersion: v1\nkind: Pod\nmetadata: \{name: legacy-1[^]*?(?=---\n)/, '');
    expect(without).not.toBe(BASE);
    await mesh.apply('mesh.yaml', without);
    expect(await get()).toBe(200);
    await expect(mesh.call({ to: '127.0.18.2:8080' })).rejects.toThrow(/404/);
    await mesh.apply('mesh.yaml', `${without}---\n${more}`);
    expect((await mesh.call({ to: '127.0.18.2:8080', path: '/late' })).status).toBe(200);
    expect(await mesh.metrics()).toContain('destination_workload="late-1"');
    expect(await get()).toBe(200);
    connection.close();
    await mesh.apply('mesh.yaml', BASE);
  });

  it("enforces the Gateway's policies on services and on pods", async () => {
    for (const to of ['10.96.8.10:80', '127.0.18.1:8080', '127.0.18.2:8080']) {
      expect((await mesh.call({ to, path: '/secret' })).status).toBe(403);
    }
  });

  it('refuses an address that is no pod of its', async () => {
    await expect(mesh.call({ to: '127.0.18.99:8080' })).rejects.toThrow(/404/);
  });
});
