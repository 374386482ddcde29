import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

// Layered authorization: a policy that selects the waypoint refuses tunnels before there is one.

const WEB = '10.96.71.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.71.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.71.1' }),
);

const deny = (account: string, more = ''): string => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-${account}, namespace: shop}
spec:
  selector: {matchLabels: {gateway.networking.k8s.io/gateway-name: waypoint}}
  action: DENY
  rules: [{from: [{source: {principals: [cluster.local/ns/default/sa/${account}]}}]${more}}]
`;

/** One connection of a caller, on which tunnels are asked for. */
interface Caller {
  /** Status of a CONNECT. */
  tunnel(): Promise<number>;
  close(): void;
}

describe('a policy that selects the waypoint', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh({ 'mesh.yaml': BASE, 'policy.yaml': '' }, { layeredAuthorization: true });
  });
  afterAll(() => mesh?.stop());

  async function caller(as: string): Promise<Caller> {
    const { host, port } = mesh.waypoint;
    const { cert, key, ca } = await mesh.tls(as);
    const socket = connectTls({
      host,
      port,
      cert,
      key,
      ca,
      ALPNProtocols: ['h2'],
      checkServerIdentity: () => undefined,
    });
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    const session: ClientHttp2Session = connectHttp2(`https://${host}:${port}`, { createConnection: () => socket });
    return {
      tunnel: () =>
        new Promise((resolve, reject) => {
          const stream = session.request({ ':method': 'CONNECT', ':authority': WEB });
          stream.on('response', (answer) => {
            resolve(Number(answer[':status']));
            stream.close();
          });
          stream.on('error', reject);
        }),
      close: () => session.destroy(),
    };
  }

  it('refuses a tunnel with 403, and an edit reaches the next one of a connection that is open', async () => {
    const sleep = await caller('default/sleep');
    const other = await caller('default/other');
    expect(await sleep.tunnel()).toBe(200);
    await mesh.apply('policy.yaml', deny('sleep'));
    const before = mesh.pod('web-1').connections;
    expect(await sleep.tunnel()).toBe(403);
    expect(await other.tunnel()).toBe(200);
    expect((await mesh.call({ to: WEB, as: 'default/other' })).status).toBe(200);
    expect(mesh.pod('web-1').connections).toBe(before + 1);
    await mesh.apply('policy.yaml', deny('other'));
    expect(await sleep.tunnel()).toBe(200);
    expect(await other.tunnel()).toBe(403);
    sleep.close();
    other.close();
  });

  it('that asks for HTTP denies what it may mean, as a connection has none', async () => {
    const sleep = await caller('default/sleep');
    await mesh.apply('policy.yaml', deny('sleep', ', to: [{operation: {paths: [/admin]}}]'));
    expect(await sleep.tunnel()).toBe(403);
    sleep.close();
  });

  it('that lets only the waypoint in is for the pods behind it', async () => {
    await mesh.apply(
      'policy.yaml',
      `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: waypoint-only, namespace: shop}
spec: {action: ALLOW, rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/waypoint]}}]}]}
`,
    );
    expect((await mesh.call({ to: WEB })).status).toBe(200);
  });
});
