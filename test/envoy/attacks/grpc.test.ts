import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { createServer as createHttp2Server } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documents, gateway, NAMESPACE, pod, policy, service } from '../mesh/manifests.ts';
import { startTestMesh, type TestMesh } from '../mesh/mesh.ts';
import { openTunnel } from './exchange.ts';

const VIP = '10.96.45.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'rpc', ip: '10.96.45.10', portName: 'grpc' }),
  pod({ name: 'rpc', app: 'rpc', ip: '127.0.45.1' }),
  policy('not-this', 'rpc', 'DENY', '[{to: [{operation: {paths: ["/pkg.Svc/M"]}}]}]'),
);

describe('gRPC', () => {
  let mesh: TestMesh;
  const seen: {
    readonly path: string;
    readonly trailers: IncomingHttpHeaders;
    readonly headers: IncomingHttpHeaders;
  }[] = [];
  beforeAll(async () => {
    const server = createHttp2Server();
    server.on('stream', (stream, headers) => {
      let trailers: IncomingHttpHeaders = {};
      stream.on('trailers', (its) => (trailers = its));
      stream.on('error', () => undefined);
      stream.on('data', () => undefined);
      stream.on('end', () => {
        seen.push({ path: String(headers[':path']), trailers, headers });
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-trailer': 'kept' }));
        stream.end('answer');
      });
    });
    const closing = Object.assign(server, { closeAllConnections: () => undefined });
    mesh = await startTestMesh({ 'mesh.yaml': BASE }, {}, { rpc: { application: closing } });
  });
  afterAll(() => mesh?.stop());

  interface Answer {
    readonly status: number;
    readonly grpc: string;
    readonly trailers: IncomingHttpHeaders;
  }

  async function call(path: string, trailers?: Readonly<Record<string, string>>): Promise<Answer> {
    const tunnel = await openTunnel(mesh, { to: VIP });
    const session: ClientHttp2Session = connect('http://rpc', { createConnection: () => tunnel });
    session.on('error', () => undefined);
    try {
      return await new Promise((resolve, reject) => {
        const stream = session.request(
          { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
          { waitForTrailers: trailers !== undefined },
        );
        let status = 0;
        let grpc = '';
        let last: IncomingHttpHeaders = {};
        stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
        stream.on('response', (headers) => {
          status = Number(headers[':status']);
          grpc = String(headers['grpc-status'] ?? '');
        });
        stream.on('trailers', (its) => (last = its));
        stream.on('data', () => undefined);
        stream.on('end', () => resolve({ status, grpc: grpc || String(last['grpc-status'] ?? ''), trailers: last }));
        stream.on('error', reject);
        stream.end('message');
      });
    } finally {
      session.destroy();
    }
  }

  it('A25 a method that is allowed is served, and its trailers come', async () => {
    const { status, grpc, trailers } = await call('/pkg.Svc/Other');
    expect({ status, grpc, trailer: trailers['x-trailer'] }).toEqual({ status: 200, grpc: '0', trailer: 'kept' });
  });

  it.each([
    '/pkg.Svc/M',
    '//pkg.Svc/M',
    '/pkg.Svc//M',
    '/pkg.Svc/M?x',
    '/./pkg.Svc/M',
    '/pkg.Svc/M;x',
    '/pkg%2eSvc/%4d',
  ])('A25 %s is the method that is denied: PERMISSION_DENIED, and it is not called', async (path) => {
    const before = seen.length;
    expect(await call(path)).toMatchObject({ status: 200, grpc: '7' });
    expect(seen.length).toBe(before);
  });

  it.each(['/pkg.Svc/M/', '/pkg.svc/m', '/Pkg.Svc/M', '/pkg.Svc/M%20'])(
    'A25 %s is another path, and heard as what it is',
    async (path) => {
      // gRPC servers compare the whole path: none of these is the method.
      expect((await call(path)).status).toBe(200);
      expect(seen.at(-1)?.path).toBe(path);
    },
  );

  it.each(['pkg.Svc/M', '/pkg.Svc%2fM'])('A25 %s is refused', async (path) => {
    const before = seen.length;
    const answer = await call(path).catch(() => ({ status: 400 }));
    expect(answer.status === 400 || 'grpc' in answer).toBe(true);
    expect(seen.length).toBe(before);
  });

  it('P4 trailers of a request stay trailers', async () => {
    expect((await call('/pkg.Svc/Other', { 'x-role': 'admin', authorization: 'x' })).grpc).toBe('0');
    const last = seen.at(-1);
    expect(last?.headers['x-role']).toBeUndefined();
    expect(last?.headers.authorization).toBeUndefined();
  });
});
