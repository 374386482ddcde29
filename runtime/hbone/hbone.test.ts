import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttp, get } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createAuthority, type Authority } from '#identity/authority.ts';
import { TunnelAgent } from './agent.ts';
import { createHboneClient, type HboneClient, type TunnelRequest } from './client.ts';
import { HboneError } from './error.ts';
import { listenHbone, type HboneEvent, type HboneServer } from './server.ts';
import type { HboneTls } from './tls.ts';
import type { Tunnel } from './tunnel.ts';

const CALLER = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';
const SERVER = 'spiffe://cluster.local/ns/bookinfo/sa/reviews';
const AUTHORITY = '10.96.0.10:9080';

/** Reads to the end. Not by `text` of stream/consumers, which destroys the other direction when this one ends. */
const read = (stream: Readable): Promise<string> =>
  new Promise((resolve, reject) => {
    let words = '';
    stream.on('data', (chunk: Buffer) => (words += chunk.toString()));
    stream.once('end', () => resolve(words));
    stream.once('error', reject);
  });

describe('an HBONE client and server', () => {
  let ca: Authority;
  let callerTls: HboneTls;
  let serverTls: HboneTls;
  let application: Server;
  let server: HboneServer;
  let client: HboneClient;
  let accept: (socket: Socket) => void;
  const events: HboneEvent[] = [];

  async function tls(authority: Authority, spiffeId: string, changes = {}, root = ca.root): Promise<HboneTls> {
    const { certificate, key } = await authority.issueUnusual({ spiffeId }, changes);
    return { cert: certificate, key, ca: root };
  }
  beforeAll(async () => {
    ca = await createAuthority('cluster.local');
    callerTls = await tls(ca, CALLER);
    serverTls = await tls(ca, SERVER);
    application = createServer({ allowHalfOpen: true }, (socket) => accept(socket.on('error', () => undefined)));
    await once(application.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => void application.close());

  async function serve(changes: Partial<Parameters<typeof listenHbone>[0]> = {}): Promise<void> {
    events.length = 0;
    const app = { host: '127.0.0.1', port: (application.address() as AddressInfo).port };
    server = await listenHbone({
      listen: { host: '127.0.0.1', port: 0 },
      tls: serverTls,
      trustDomains: ['cluster.local'],
      target: ({ authority }) => (authority.address === '10.96.0.10' ? app : { refuse: 404 }),
      onEvent: (event) => events.push(event),
      responseHeaders: { baggage: 'k8s.namespace.name=bookinfo' },
      ...changes,
    });
    client = createHboneClient();
  }
  afterEach(async () => {
    await client.close(0);
    await server.close(0);
  });
  /** Tunnels that a test leaves open are cut after it; that error is nobody's. */
  const open = async (changes: Partial<TunnelRequest> = {}): Promise<Tunnel> => {
    const tunnel = await client.connect({
      waypoint: server.address,
      authority: AUTHORITY,
      tls: callerTls,
      expectedIdentity: SERVER,
      ...changes,
    });
    return tunnel.on('error', () => undefined);
  };
  const failure = (attempt: Promise<unknown>): Promise<HboneError> =>
    attempt.then(
      () => expect.unreachable('it should have failed'),
      (error: unknown) => {
        expect(error).toBeInstanceOf(HboneError);
        return error as HboneError;
      },
    );

  it('carry bytes both ways, each knowing who the other is', async () => {
    accept = (socket) => void socket.pipe(socket);
    await serve();
    const tunnel = await open({ headers: { baggage: 'k8s.namespace.name=bookinfo' } });
    expect(tunnel.peer).toBe(SERVER);
    expect(tunnel.headers['baggage']).toBe('k8s.namespace.name=bookinfo');
    tunnel.end('hello');
    expect(await text(tunnel)).toBe('hello');
    expect(events).toEqual([{ kind: 'tunnel', peer: CALLER, authority: AUTHORITY, status: 200 }]);
  });

  it('close each direction on its own', async () => {
    // The application speaks only after the caller's end, and the caller only after the application's.
    accept = (socket) => void read(socket).then((request) => socket.end(`answer to ${request}`));
    await serve();
    const asking = await open();
    asking.end('question');
    expect(await read(asking)).toBe('answer to question');

    let heard = '';
    accept = (socket) => {
      socket.end('greeting');
      void read(socket).then((words) => (heard = words));
    };
    const listening = await open();
    expect(await read(listening)).toBe('greeting');
    await new Promise((resolve) => setTimeout(resolve, 50));
    listening.end('late words');
    await vi.waitFor(() => expect(heard).toBe('late words'));
    await vi.waitFor(() => expect(server.tunnels()).toBe(0));
  });

  it('pass a reset on, in both directions', async () => {
    let socket: Socket | undefined;
    accept = (accepted) => {
      socket = accepted;
      accepted.on('error', () => undefined).write('begin');
    };
    await serve();
    const first = await open();
    await once(first, 'data');
    const broken = once(first, 'error');
    socket?.resetAndDestroy();
    expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET', resetCode: 10 });

    const second = await open();
    await once(second, 'data');
    const reset = new Promise<NodeJS.ErrnoException>((resolve) => socket?.once('error', resolve));
    second.destroy();
    expect((await reset).code).toBe('ECONNRESET');
    await vi.waitFor(() => expect(server.tunnels()).toBe(0));
  });

  it('open more than a hundred streams by more than one connection', async () => {
    accept = (socket) => void socket.pipe(socket);
    await serve();
    const tunnels = await Promise.all(Array.from({ length: 250 }, () => open()));
    expect(client.connections()).toBe(3);
    const answers = tunnels.map(async (tunnel, index) => {
      tunnel.end(`stream ${index}`);
      return await text(tunnel);
    });
    expect(await Promise.all(answers)).toEqual(tunnels.map((_, index) => `stream ${index}`));
    await vi.waitFor(() => expect(server.tunnels()).toBe(0));
    // Places are given back.
    await Promise.all(Array.from({ length: 250 }, () => open().then((tunnel) => tunnel.destroy())));
    expect(client.connections()).toBe(3);
  });

  it('carry large bodies without holding them', async () => {
    const block = randomBytes(1 << 20);
    const blocks = 50;
    accept = (socket) => void socket.pipe(socket);
    await serve();
    const tunnel = await open();
    let written = 0;
    let accepted = 0;
    const sending = (async () => {
      for (; written < blocks; written++) {
        if (!tunnel.write(block)) await once(tunnel, 'drain');
        accepted = written + 1;
      }
      tunnel.end();
    })();
    // Nobody reads: windows and socket buffers fill, and then nothing more is taken.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(accepted).toBeLessThan(30);
    const received = await buffer(tunnel);
    await sending;
    expect(received.length).toBe(blocks << 20);
    for (let i = 0; i < blocks; i++) expect(received.subarray(i << 20, (i + 1) << 20).equals(block)).toBe(true);
  });

  it('let other streams pass one that nobody reads', async () => {
    accept = (socket) => void socket.pipe(socket);
    await serve();
    const stalled = await Promise.all(Array.from({ length: 40 }, () => open()));
    for (const tunnel of stalled) tunnel.on('error', () => undefined).write(randomBytes(4 << 20));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const tunnel = await open();
    tunnel.end('still here');
    expect(await text(tunnel)).toBe('still here');
    expect(client.connections()).toBe(1);
    for (const one of stalled) one.destroy();
  });

  it('speak HTTP/1.1 inside, several requests on one tunnel', async () => {
    let connections = 0;
    const http = createHttp((request, response) => response.end(`${request.method} ${request.url}`));
    http.on('connection', () => connections++);
    accept = (socket) => void http.emit('connection', socket);
    await serve();
    const agent = new TunnelAgent(client, { waypoint: server.address, authority: AUTHORITY, tls: callerTls });
    for (const path of ['/one', '/two', '/three']) {
      const response = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
        get({ agent, host: 'reviews', path }, resolve).on('error', reject),
      );
      expect(await text(response)).toBe(`GET ${path}`);
    }
    expect(connections).toBe(1);
    agent.destroy();
    await vi.waitFor(() => expect(server.tunnels()).toBe(0));
  });

  it('speak HTTP/2 inside', async () => {
    const http2 = createHttp2((request, response) => response.end(`h2 ${request.url}`));
    accept = (socket) => void http2.emit('connection', socket);
    await serve();
    const tunnel = await open();
    const session = connectHttp2('http://reviews', { createConnection: () => tunnel });
    expect(await text(session.request({ ':path': '/reviews/0' }))).toBe('h2 /reviews/0');
    session.close();
  });

  it.each<[string, () => Promise<HboneTls>, object]>([
    ['of another CA', async () => tls(await createAuthority('cluster.local'), CALLER), { failure: 'tls' }],
    [
      'that ended',
      () => tls(ca, CALLER, { notBefore: new Date(0), notAfter: new Date(86_400_000) }),
      { failure: 'tls' },
    ],
    [
      'that begins tomorrow',
      () => tls(ca, CALLER, { notBefore: new Date(Date.now() + 86_400_000) }),
      { failure: 'tls' },
    ],
    ['for servers alone', () => tls(ca, CALLER, { usages: ['server'] }), { failure: 'tls' }],
    ['of another trust domain', () => tls(ca, 'spiffe://evil.example/ns/a/sa/b'), { failure: 'tls' }],
    ['with two identities', () => tls(ca, CALLER, { uris: [CALLER, SERVER] }), { failure: 'tls' }],
    ['without an identity', () => tls(ca, CALLER, { uris: [], dns: ['productpage'] }), { failure: 'tls' }],
  ])('refuse a client certificate %s', async (_, makeTls, expected) => {
    accept = () => expect.unreachable('the application must see nothing');
    await serve();
    const error = await failure(open({ tls: await makeTls() }));
    expect(error).toMatchObject(expected);
    await vi.waitFor(() => expect(events.map(({ kind }) => kind)).toEqual(['refused connection']));
  });

  it('refuse a client without a certificate', async () => {
    await serve();
    const error = await failure(open({ tls: { ca: ca.root } as HboneTls }));
    expect(error).toMatchObject({ failure: 'tls' });
  });

  it('refuse a server that is somebody else, before anything is sent', async () => {
    accept = () => expect.unreachable('the application must see nothing');
    await serve();
    expect(await failure(open({ expectedIdentity: CALLER }))).toMatchObject({ failure: 'identity' });
    expect(await failure(open({ expectedIdentity: (id) => id.endsWith('/sa/ratings') }))).toMatchObject({
      failure: 'identity',
    });
    const foreign = await createAuthority('cluster.local');
    const error = await failure(open({ tls: { ...callerTls, ca: foreign.root } }));
    expect(error).toMatchObject({ failure: 'tls' });
    expect(error.message).toContain('is not trusted');
    expect(events.filter(({ kind }) => kind === 'tunnel')).toEqual([]);
  });

  it('say what was refused', async () => {
    await serve({
      target: ({ authority }) => (authority.port === 1 ? { host: '127.0.0.1', port: 1 } : { refuse: 404 }),
    });
    expect(await failure(open())).toMatchObject({ failure: 'refused', status: 404 });
    expect(await failure(open({ authority: '10.96.0.10:1' }))).toMatchObject({ failure: 'refused', status: 503 });
    expect(await failure(open({ authority: 'reviews:9080' }))).toMatchObject({ failure: 'authority' });
    expect(await failure(open({ waypoint: { host: '127.0.0.1', port: 1 } }))).toMatchObject({ failure: 'unreachable' });
    await vi.waitFor(() => expect(server.tunnels()).toBe(0));
  });

  it('give up on a server that does not answer', async () => {
    await serve();
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const waypoint = { host: '127.0.0.1', port: (silent.address() as AddressInfo).port };
    expect(await failure(open({ waypoint, timeoutMs: 100 }))).toMatchObject({ failure: 'timeout' });
    const given = AbortSignal.abort(new Error('ctrl-c'));
    expect(await failure(open({ waypoint, signal: given }))).toMatchObject({ failure: 'closed' });
    silent.close();
  });

  it.each(['10.96.0.010:9080', 'reviews:9080', '[::ffff:10.96.0.10]:9080', '10.96.0.10:09080'])(
    'answer 400 to the authority %s and to other methods',
    async (authority) => {
      accept = () => expect.unreachable('the application must see nothing');
      await serve();
      const session = connectHttp2(`https://127.0.0.1:${server.address.port}`, {
        ...callerTls,
        servername: '',
        checkServerIdentity: () => undefined,
      });
      const status = async (headers: Record<string, string>) => {
        const stream = session.request(headers, { endStream: false });
        stream.on('error', () => undefined);
        const [response] = (await once(stream, 'response')) as [Record<string, unknown>];
        return response[':status'];
      };
      expect(await status({ ':method': 'CONNECT', ':authority': authority })).toBe(400);
      expect(await status({ ':method': 'GET', ':path': '/', ':authority': AUTHORITY })).toBe(400);
      session.close();
    },
  );

  it('close in order: open tunnels finish, new ones are refused', async () => {
    accept = (socket) => void socket.pipe(socket);
    await serve();
    const tunnel = await open();
    const closed = server.close(5_000);
    expect(await failure(open())).toMatchObject({ failure: expect.stringMatching(/unreachable|reset/) as string });
    tunnel.end('last words');
    expect(await text(tunnel)).toBe('last words');
    await closed;
  });

  it('take a renewed certificate for new connections, and keep the old ones', async () => {
    accept = (socket) => void socket.pipe(socket);
    await serve();
    const before = await open();
    const renewed = await tls(ca, 'spiffe://cluster.local/ns/bookinfo/sa/renewed');
    server.replaceTls(renewed);
    const other = createHboneClient();
    const request = { waypoint: server.address, authority: AUTHORITY, tls: callerTls };
    const tunnel = await other.connect(request);
    expect(tunnel.peer).toBe('spiffe://cluster.local/ns/bookinfo/sa/renewed');
    // The client's own certificate is as strictly demanded as before.
    const foreign = await tls(await createAuthority('cluster.local'), CALLER);
    expect(await failure(other.connect({ ...request, tls: foreign }))).toMatchObject({ failure: 'tls' });
    tunnel.destroy();
    await other.close(0);
    before.end('old');
    expect(await text(before)).toBe('old');
  });

  it('serve a stream of our own making', async () => {
    await serve({ target: () => ({ stream: (tunnel) => tunnel.end(`hello ${tunnel.peer}`) }) });
    expect(await text(await open())).toBe(`hello ${CALLER}`);
  });

  it('leave idle tunnels alone', async () => {
    accept = (socket) => void socket.pipe(socket);
    await serve();
    const tunnel = await open();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    tunnel.end('awake');
    expect(await text(tunnel)).toBe('awake');
  });

  it('refuse connections beyond the limit', async () => {
    accept = (socket) => void socket.pipe(socket);
    await serve({ maxConnections: 1 });
    await open();
    const second = createHboneClient();
    const request = { waypoint: server.address, authority: AUTHORITY, tls: callerTls };
    expect(await failure(second.connect(request))).toMatchObject({ failure: 'tls' });
    await second.close(0);
  });
});
