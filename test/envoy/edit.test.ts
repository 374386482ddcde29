import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeshConnection } from '#cli/request.ts';
import { documents, gateway, NAMESPACE, pod, policy, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

const VIP = '10.96.5.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.5.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.15.1' }),
  pod({ name: 'extra-1', app: 'extra', ip: '127.0.15.2' }),
);

const DENY = policy(
  'deny-sleep',
  'web',
  'DENY',
  '[{from: [{source: {principals: [cluster.local/ns/default/sa/sleep]}}]}]',
);
const EXTRA = service({ name: 'extra', ip: '10.96.5.11' });

const GET = { method: 'GET', path: '/', host: 'web', headers: [], timeoutMs: 5_000 } as const;

describe('an edit', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh({ 'mesh.yaml': BASE, 'policy.yaml': '' });
  });
  afterAll(() => mesh?.stop());

  const status = async (connection: MeshConnection): Promise<number> => (await connection.send(GET)).status;

  /** Requests without a pause until told to end; every status that came. */
  function load(connection: MeshConnection): { end(): Promise<number[]> } {
    const statuses: number[] = [];
    const ended = new AbortController();
    const done = (async () => {
      while (!ended.signal.aborted) statuses.push(await status(connection));
    })();
    return {
      async end() {
        ended.abort();
        await done;
        return statuses;
      },
    };
  }

  it('is in force within a second of being saved, by the watch alone', async () => {
    const connection = await mesh.open(VIP);
    expect(await status(connection)).toBe(200);
    const began = Date.now();
    mesh.write('policy.yaml', DENY);
    while ((await status(connection)) !== 403) {
      expect(Date.now() - began).toBeLessThan(5_000);
      await wait(5);
    }
    expect(Date.now() - began).toBeLessThan(1_000);
    await mesh.apply('policy.yaml', '');
    connection.close();
  });

  it('of a policy leaves not one stale allowed request after it was accepted', async () => {
    const connection = await mesh.open(VIP);
    for (let round = 0; round < 5; round++) {
      expect(await status(connection)).toBe(200);
      await mesh.apply('policy.yaml', DENY);
      const after = [];
      for (let index = 0; index < 20; index++) after.push(await status(connection));
      expect(after).toEqual(after.map(() => 403));
      await mesh.apply('policy.yaml', '');
    }
    connection.close();
  });

  it('of a policy loses no request under load', async () => {
    const connection = await mesh.open(VIP, 'default/other');
    const running = load(connection);
    for (let round = 0; round < 10; round++) await mesh.apply('policy.yaml', round % 2 === 0 ? DENY : '');
    const statuses = await running.end();
    expect(statuses.length).toBeGreaterThan(20);
    expect(new Set(statuses)).toEqual(new Set([200]));
    connection.close();
  });

  it('that is broken is reported with its place, and what was good keeps serving', async () => {
    await mesh.apply('policy.yaml', DENY);
    const connection = await mesh.open(VIP);
    expect(await status(connection)).toBe(403);
    const before = mesh.events.length;
    mesh.write('policy.yaml', DENY.replace('principals:', 'principal:'));
    await mesh.mesh.reload();
    const findings = mesh.events.slice(before).flatMap((event) => (event.kind === 'translated' ? event.findings : []));
    const found = findings.find((finding) => finding.level === 'error');
    expect(found?.place).toMatchObject({ line: 7 });
    expect(found?.message).toContain('principal');
    expect(await status(connection)).toBe(403);
    mesh.write('policy.yaml', 'kind: [unclosed');
    await mesh.mesh.reload();
    expect(await status(connection)).toBe(403);
    await mesh.apply('policy.yaml', '');
    expect(await status(connection)).toBe(200);
    connection.close();
  });

  it('that adds or removes a service drains no connection of another', async () => {
    const connection = await mesh.open(VIP, 'default/other');
    const running = load(connection);
    const [supervised] = mesh.mesh.running.proxies();
    for (let round = 0; round < 5; round++) {
      await mesh.apply('extra.yaml', EXTRA);
      expect((await mesh.call({ to: '10.96.5.11:80' })).status).toBe(200);
      await mesh.apply('extra.yaml', '');
    }
    const statuses = await running.end();
    expect(new Set(statuses)).toEqual(new Set([200]));
    // One tunnel connection from this identity from the first request to the last: nothing asked it to go.
    expect(mesh.mesh.running.proxies()[0]?.node).toBe(supervised?.node);
    connection.close();
    await expect(mesh.call({ to: '10.96.5.11:80' })).rejects.toThrow(/404/);
  });
});
