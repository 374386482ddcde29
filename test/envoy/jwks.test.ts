import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificatePem, generateKeys, keyPem, sign } from '#identity/profile.ts';
import { createIssuer, startKeyServer, type KeyServer } from './mesh/issuer.ts';
import { authentication, documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { freePort, startTestMesh, type TestMesh } from './mesh/mesh.ts';

const VIP = '10.96.22.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.22.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.32.1' }),
  service({ name: 'keys', ip: '10.96.22.11', targetPort: 8089 }),
  pod({ name: 'keys-1', app: 'keys', ip: '127.0.32.2', port: 8089 }),
);

const issuer = createIssuer('https://issuer.example');
const stranger = createIssuer('https://issuer.example');

const good = (response: ServerResponse): void =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end(issuer.jwks);

describe('keys that are fetched', () => {
  let mesh: TestMesh;
  let folder: string;
  let secure: { key: string; cert: string };
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'portolan-jwks-'));
    const keys = await generateKeys();
    const day = 86_400_000;
    const root = {
      subject: 'CN=Test root',
      uris: [],
      dns: [],
      isAuthority: true,
      usages: [],
      notBefore: new Date(Date.now() - day),
      notAfter: new Date(Date.now() + day),
    } as const;
    const signer = { subject: root.subject, keys };
    const certificate = await sign(root, keys.publicKey, signer);
    const leaf = await generateKeys();
    const profile = {
      ...root,
      subject: 'CN=localhost',
      dns: ['localhost'],
      isAuthority: false,
      usages: ['server'] as const,
    };
    const signed = await sign(profile, leaf.publicKey, { ...signer, certificate });
    secure = { key: await keyPem(leaf.privateKey), cert: certificatePem(signed) };
    const systemRoots = join(folder, 'roots.pem');
    writeFileSync(systemRoots, certificatePem(certificate));
    mesh = await startTestMesh({ 'mesh.yaml': BASE, 'authn.yaml': '' }, { systemRoots });
  });
  afterAll(async () => {
    await mesh?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function status(token?: string): Promise<number> {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await mesh.call({ to: VIP, headers })).status;
  }

  async function until(wanted: number, token: string, withinMs: number): Promise<number> {
    const began = Date.now();
    while ((await status(token)) !== wanted) {
      expect(Date.now() - began, `no ${wanted} within ${withinMs} ms`).toBeLessThan(withinMs);
      await wait(50);
    }
    return Date.now() - began;
  }

  it('refuse every token until they are there, whatever the server does before', { timeout: 60_000 }, async () => {
    const port = await freePort();
    await mesh.apply(
      'authn.yaml',
      authentication('tokens', 'web', [
        { issuer: issuer.name, jwksUri: `http://127.0.0.1:${port}/jwks`, timeout: '500ms' },
      ]),
    );
    const refused = async (): Promise<void> => {
      for (let index = 0; index < 5; index++) {
        expect([await status(issuer.token()), await status(stranger.token()), await status()]).toEqual([401, 401, 200]);
        await wait(100);
      }
    };
    await refused();
    const server = await startKeyServer(port);
    try {
      await refused();
      const huge = Buffer.alloc(1 << 20, ' ');
      const misbehaviours: readonly ((response: ServerResponse) => void)[] = [
        // Slow: the answer is begun and never ended.
        (response) => void response.writeHead(200).write('{'),
        (response) => void response.writeHead(200).end('not JSON'),
        (response) => void response.writeHead(200).end('{"keys":[]}'),
        (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
        (response) => void response.destroy(),
        (response) => {
          response.writeHead(200);
          let left = 64;
          const more = (): void => {
            while (left-- > 0) if (!response.write(huge)) return void response.once('drain', more);
            response.end(issuer.jwks);
          };
          more();
        },
      ];
      for (const answer of misbehaviours) {
        server.answer(answer);
        const before = server.asked;
        while (server.asked === before) await wait(50);
        await refused();
      }
      server.answer(good);
      await until(200, issuer.token(), 5_000);
      expect([await status(stranger.token()), await status()]).toEqual([401, 200]);
    } finally {
      await server.close();
    }
    // What was fetched holds while the server is away.
    expect(await status(issuer.token())).toBe(200);
    expect(mesh.mesh.running.waypoints()).toHaveLength(1);
    expect(
      mesh.events.filter((event) => event.kind === 'waypoint' && /exit|crash|died/.test(JSON.stringify(event))),
    ).toEqual([]);
  });

  it('come over TLS from who has a certificate for the name', { timeout: 30_000 }, async () => {
    const server = await startKeyServer(0, secure);
    server.answer(good);
    const rule = (host: string) => [{ issuer: issuer.name, jwksUri: `https://${host}:${server.port}/jwks` }];
    try {
      await mesh.apply('authn.yaml', authentication('tokens', 'web', rule('127.0.0.1')));
      await wait(1_500);
      expect(await status(issuer.token())).toBe(401);
      expect(server.asked).toBe(0);
      await mesh.apply('authn.yaml', authentication('tokens', 'web', rule('localhost')));
      await until(200, issuer.token(), 5_000);
      expect(await status(stranger.token())).toBe(401);
    } finally {
      await server.close();
    }
  });

  it('come through the mesh from a Service of it', { timeout: 30_000 }, async () => {
    const uri = 'http://keys.shop.svc.cluster.local/jwks';
    await mesh.apply('authn.yaml', authentication('tokens', 'web', [{ issuer: issuer.name, jwksUri: uri }]));
    const pod = mesh.pod('keys-1');
    expect(await status(issuer.token())).toBe(401);
    expect(pod.seen[0]).toMatchObject({ path: '/jwks', headers: { host: 'keys.shop.svc.cluster.local' } });
    expect([...pod.callers]).toEqual(['spiffe://cluster.local/ns/shop/sa/waypoint']);
    // The echo's answer is no key set.
    expect(await status()).toBe(200);
  });

  describe('an edit', () => {
    let server: KeyServer;
    beforeAll(async () => {
      server = await startKeyServer();
      server.answer((response) => void setTimeout(() => good(response), 300));
    });
    afterAll(() => server.close());

    it('fetches them anew and loses no request meanwhile', { timeout: 60_000 }, async () => {
      const rule = (extra: object) => [
        { issuer: issuer.name, jwksUri: `http://127.0.0.1:${server.port}/jwks`, ...extra },
      ];
      const variants = [{}, { forwardOriginalToken: true }, { outputPayloadToHeader: 'x-payload' }];
      await mesh.apply('authn.yaml', authentication('tokens', 'web', rule({})));
      await until(200, issuer.token(), 5_000);
      const connection = await mesh.open(VIP);
      const headers = [['authorization', `Bearer ${issuer.token()}`]] as const;
      const statuses = new Map<number, number>();
      const ended = new AbortController();
      const load = (async () => {
        while (!ended.signal.aborted) {
          const { status } = await connection.send({
            method: 'GET',
            path: '/',
            host: 'web',
            headers,
            timeoutMs: 5_000,
          });
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      })();
      for (let round = 0; round < 6; round++) {
        await mesh.apply('authn.yaml', authentication('tokens', 'web', rule(variants[(round + 1) % 3]!)));
        await wait(500);
      }
      ended.abort();
      await load;
      connection.close();
      expect(Object.fromEntries(statuses)).toEqual({ 200: statuses.get(200) });
    });
  });
});
