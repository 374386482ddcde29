import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, type Authority } from '#identity/authority.ts';
import { spiffeId } from '#model/identity.ts';
import { documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

const GOOD = '10.96.2.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.2.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.12.1' }),
);

const SLEEP = spiffeId('cluster.local', 'default', 'sleep');

interface Identity {
  readonly cert?: string;
  readonly key?: string;
  readonly ca: string;
}

describe('what the waypoint refuses', () => {
  let mesh: TestMesh;
  let stranger: Authority;
  beforeAll(async () => {
    mesh = await startTestMesh({ 'mesh.yaml': BASE });
    stranger = await createAuthority('cluster.local');
  });
  afterAll(() => mesh?.stop());

  /** CONNECT over a raw session; the status, or the error code of a connection or stream that was cut. */
  async function connectStatus(
    identity: Identity,
    authority: string,
    headers: Record<string, string> = {},
  ): Promise<number | string> {
    let session: ClientHttp2Session | undefined;
    try {
      session = await openSession(identity);
      const stream = session.request({ ':method': 'CONNECT', ':authority': authority, ...headers });
      return await new Promise((resolve) => {
        stream.on('response', (answer) => resolve(Number(answer[':status'])));
        stream.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
        stream.on('close', () => resolve('closed'));
      });
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? String(error);
    } finally {
      session?.destroy();
    }
  }

  /** TLS 1.3 lets a client finish before the server judged its certificate: the refusal is seen at the first read. */
  function openSession(identity: Identity): Promise<ClientHttp2Session> {
    const { host, port } = mesh.waypoint;
    const options: ConnectionOptions = {
      host,
      port,
      ...identity,
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.3',
      checkServerIdentity: () => undefined,
    };
    return new Promise((resolve, reject) => {
      const socket = connectTls(options);
      const session = connectHttp2('https://waypoint', { createConnection: () => socket });
      socket.once('error', reject);
      session.once('error', reject);
      session.once('close', () => reject(new Error('closed')));
      session.once('remoteSettings', () => resolve(session));
    });
  }

  const issued = async (authority: Authority, identity = SLEEP): Promise<Identity> => {
    const { certificate, key } = await authority.issue({ spiffeId: identity });
    return { cert: certificate, key, ca: mesh.authority.root };
  };

  it('serves a good caller, so that the refusals below mean something', async () => {
    expect(await connectStatus(await issued(mesh.authority), GOOD)).toBe(200);
  });

  it('no client certificate', async () => {
    expect(await connectStatus({ ca: mesh.authority.root }, GOOD)).toMatch(/ERR_SSL_.*CERTIFICATE_REQUIRED|ECONNRESET/);
  });

  it('a certificate of another CA', async () => {
    expect(await connectStatus(await issued(stranger), GOOD)).toMatch(/ERR_SSL_.*UNKNOWN_CA|ECONNRESET/);
  });

  it('an identity of another trust domain, signed by our CA', async () => {
    const { certificate, key } = await mesh.authority.issueUnusual(
      { spiffeId: SLEEP },
      { uris: ['spiffe://other.example/ns/default/sa/sleep'] },
    );
    const status = await connectStatus({ cert: certificate, key, ca: mesh.authority.root }, GOOD);
    expect(status).toMatch(/ERR_SSL_.*ALERT|ECONNRESET/);
  });

  it('a certificate that has expired', async () => {
    const { certificate, key } = await mesh.authority.issueUnusual(
      { spiffeId: SLEEP },
      { notBefore: new Date(Date.now() - 7_200_000), notAfter: new Date(Date.now() - 3_600_000) },
    );
    const status = await connectStatus({ cert: certificate, key, ca: mesh.authority.root }, GOOD);
    expect(status).toMatch(/ERR_SSL_.*EXPIRED|ECONNRESET/);
  });

  it.each([
    ['an unknown virtual address', '10.96.2.99:80'],
    ['an unknown port of a known address', '10.96.2.10:81'],
    ['a pod address, where only services are served', '127.0.12.1:8080'],
    ['the cloud metadata address', '169.254.169.254:80'],
    ['loopback', '127.0.0.1:15008'],
    ['the name of a cluster that exists', 'connect_originate'],
    ['a host name', 'web.shop.svc.cluster.local:80'],
    ['a leading zero', '010.96.2.10:80'],
    ['a short form', '10.96.10:80'],
    ['a hexadecimal address', '0x0a60020a:80'],
    ['a port with a leading zero', '10.96.2.10:080'],
    ['port zero', '10.96.2.10:0'],
    ['an IPv4-mapped address', '[::ffff:10.96.2.10]:80'],
    ['a sign before the port', '10.96.2.10:+80'],
    ['no port', '10.96.2.10'],
    ['a port that is none', '10.96.2.10:65536'],
    ['user information', 'a@10.96.2.10:80'],
    ['a path', '10.96.2.10:80/x'],
    ['two authorities', '10.96.2.10:80,10.96.2.10:80'],
    ['a trailing dot', '10.96.2.10.:80'],
  ])('%s', async (_name, authority) => {
    const status = await connectStatus(await issued(mesh.authority), authority);
    // Answered, or reset without an answer where Envoy takes the authority itself for malformed.
    expect([400, 404, 'closed', 'ERR_HTTP2_STREAM_ERROR']).toContain(status);
  });

  it('nothing of all this reached the application', () => {
    expect(mesh.pod('web-1').seen).toEqual([]);
    expect([...mesh.pod('web-1').callers]).toEqual([]);
  });
});
