import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, type Authority } from '#identity/authority.ts';
import { spiffeId } from '#model/identity.ts';
import { documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

const VIP = '10.96.7.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.7.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.17.1' }),
);

describe('certificates from files', () => {
  let folder: string;
  let authority: Authority;
  let mesh: TestMesh;

  async function writeCertificate(): Promise<string> {
    const issued = await authority.issue({ spiffeId: spiffeId('cluster.local', 'shop', 'waypoint') });
    writeFileSync(join(folder, 'tls.key'), issued.key);
    writeFileSync(join(folder, 'tls.crt'), issued.certificate);
    return issued.serial;
  }

  /** Serial number of the certificate that the waypoint shows now. */
  async function shown(): Promise<string> {
    const { cert, key, ca } = await mesh.tls('default/sleep');
    const { host, port } = mesh.waypoint;
    return new Promise((resolve, reject) => {
      const socket = connect({
        host,
        port,
        cert,
        key,
        ca,
        ALPNProtocols: ['h2'],
        checkServerIdentity: () => undefined,
      });
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        resolve(new X509Certificate(socket.getPeerX509Certificate()?.raw ?? '').serialNumber);
        socket.destroy();
      });
    });
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-certs-'));
    authority = await createAuthority('cluster.local');
    await writeCertificate();
    writeFileSync(join(folder, 'root.crt'), authority.root);
    mesh = await startTestMesh(
      { 'mesh.yaml': BASE },
      {
        credentials: {
          certificate: join(folder, 'tls.crt'),
          key: join(folder, 'tls.key'),
          roots: join(folder, 'root.crt'),
        },
      },
      {},
      authority,
    );
  });
  afterAll(async () => {
    await mesh?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('are replaced by SDS: open connections stay, new ones see the new certificate', async () => {
    const connection = await mesh.open(VIP);
    const get = async (): Promise<number> =>
      (await connection.send({ method: 'GET', path: '/', host: 'web', headers: [], timeoutMs: 5_000 })).status;
    expect(await get()).toBe(200);
    const serial = await writeCertificate();
    for (let tries = 0; (await shown()) !== serial; tries++) {
      expect(tries).toBeLessThan(100);
      await wait(50);
    }
    expect(await get()).toBe(200);
    expect((await mesh.call({ to: VIP })).status).toBe(200);
    connection.close();
  });

  it('that do not belong together are refused, and the good ones stay', async () => {
    const before = await shown();
    const other = await authority.issue({ spiffeId: spiffeId('cluster.local', 'shop', 'waypoint') });
    writeFileSync(join(folder, 'tls.key'), other.key);
    for (let tries = 0; !mesh.events.some((event) => event.kind === 'finding'); tries++) {
      expect(tries).toBeLessThan(100);
      await wait(50);
    }
    expect(await shown()).toBe(before);
    expect((await mesh.call({ to: VIP })).status).toBe(200);
    expect(JSON.stringify(mesh.events)).not.toContain('PRIVATE KEY');
  });
});
