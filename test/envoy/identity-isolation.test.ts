import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documents, gateway, NAMESPACE, pod, policy, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

const VIP = '10.96.3.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.3.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.13.1' }),
  policy('only-alice', 'web', 'ALLOW', '[{from: [{source: {principals: [cluster.local/ns/default/sa/alice]}}]}]'),
);

// A pool of Envoy that took one caller's connection for another's would show here and nowhere else: an earlier tunnel,
// held open, gives its identity to whoever comes next (istio/istio#58630).
describe('identities never mix', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh({ 'mesh.yaml': BASE });
  });
  afterAll(() => mesh?.stop());

  async function statuses(held: string, callers: readonly string[]): Promise<number[]> {
    const open = await mesh.open(VIP, held);
    const get = { method: 'GET', path: '/', host: 'web', headers: [], timeoutMs: 10_000 } as const;
    await open.send(get);
    const results: number[] = [];
    for (const as of callers) results.push((await mesh.call({ to: VIP, as })).status);
    await open.send(get);
    open.close();
    return results;
  }

  it('nobody gets in behind an open tunnel of one who may', async () => {
    expect(
      new Set(
        await statuses(
          'default/alice',
          Array.from({ length: 200 }, () => 'default/bob'),
        ),
      ),
    ).toEqual(new Set([403]));
  });

  it('and nobody is kept out by an open tunnel of one who may not', async () => {
    expect(
      new Set(
        await statuses(
          'default/bob',
          Array.from({ length: 200 }, () => 'default/alice'),
        ),
      ),
    ).toEqual(new Set([200]));
  });

  it('mixed at random and all at once', async () => {
    const callers = Array.from({ length: 400 }, (_, index) => (index * 7919) % 13 < 6);
    const results = await Promise.all(
      callers.map(async (may) => ({
        may,
        status: (await mesh.call({ to: VIP, as: may ? 'default/alice' : 'default/bob' })).status,
      })),
    );
    for (const { may, status } of results) expect(status).toBe(may ? 200 : 403);
    expect(mesh.pod('web-1').seen.length).toBeGreaterThan(0);
  });
});
