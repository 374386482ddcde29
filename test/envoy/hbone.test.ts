import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHboneClient, type HboneClient, type TunnelRequest } from '#hbone/client.ts';
import type { HboneError } from '#hbone/error.ts';
import { listenHbone, type HboneEvent, type HboneServer } from '#hbone/server.ts';
import type { HboneTls } from '#hbone/tls.ts';
import { createAuthority, type Authority } from '#identity/authority.ts';
import { startHboneEnvoy, type HboneEnvoy } from './hbone-envoy.ts';

const AUTHORITY = '10.96.0.10:9080';
const CALLER = 'spiffe://cluster.local/ns/bookinfo/sa/productpage';
const ENVOY = 'spiffe://cluster.local/ns/bookinfo/sa/waypoint';
const SERVER = 'spiffe://cluster.local/ns/bookinfo/sa/reviews';

const read = (stream: Readable): Promise<string> =>
  new Promise((resolve, reject) => {
    let words = '';
    stream.on('data', (chunk: Buffer) => (words += chunk.toString()));
    stream.once('end', () => resolve(words));
    stream.once('error', reject);
  });

let ca: Authority;
let application: Server;
let accept: (socket: Socket) => void;
let server: HboneServer;
let envoy: HboneEnvoy;
let client: HboneClient;
let callerTls: HboneTls;
const events: HboneEvent[] = [];

async function tls(spiffeId: string, authority = ca, changes = {}): Promise<HboneTls> {
  const { certificate, key } = await authority.issueUnusual({ spiffeId }, changes);
  return { cert: certificate, key, ca: ca.root };
}

beforeAll(async () => {
  ca = await createAuthority('cluster.local');
  application = createServer({ allowHalfOpen: true }, (socket) => accept(socket.on('error', () => undefined)));
  await once(application.listen(0, '127.0.0.1'), 'listening');
  const applicationPort = (application.address() as AddressInfo).port;
  server = await listenHbone({
    listen: { host: '127.0.0.1', port: 0 },
    tls: await tls(SERVER),
    trustDomains: ['cluster.local'],
    target: ({ authority }) =>
      authority.port === 9080 ? { host: '127.0.0.1', port: applicationPort } : { refuse: 404 },
    onEvent: (event) => events.push(event),
  });
  callerTls = await tls(CALLER);
  const options = { tls: await tls(ENVOY), applicationPort, serverPort: server.address.port, authority: AUTHORITY };
  envoy = await startHboneEnvoy(options);
  client = createHboneClient();
});
afterAll(async () => {
  await client.close(0);
  await envoy.close();
  await server.close(0);
  application.close();
});

const request = (changes: Partial<TunnelRequest> = {}): TunnelRequest => ({
  waypoint: envoy.terminate,
  authority: AUTHORITY,
  tls: callerTls,
  expectedIdentity: ENVOY,
  ...changes,
});
const throughClient = async (): Promise<Duplex> => (await client.connect(request())).on('error', () => undefined);
const throughServer = async (): Promise<Duplex> => {
  const socket = connect({ host: '127.0.0.1', port: envoy.originate, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket.on('error', () => undefined);
};

describe.each<[string, () => Promise<Duplex>]>([
  ['our client to Envoy', throughClient],
  ['Envoy to our server', throughServer],
])('HBONE from %s', (_, open) => {
  it('carries bytes both ways', async () => {
    accept = (socket) => void socket.pipe(socket);
    const stream = await open();
    stream.end('hello');
    expect(await read(stream)).toBe('hello');
  });

  it('lets the caller end its direction first', async () => {
    accept = (socket) => void read(socket).then((words) => socket.end(`answer to ${words}`));
    const asking = await open();
    asking.end('question');
    expect(await read(asking)).toBe('answer to question');
  });

  it('carries 50 MB each way without holding them', async () => {
    const block = randomBytes(1 << 20);
    const blocks = 50;
    accept = (socket) => void socket.pipe(socket);
    const stream = await open();
    let accepted = 0;
    const sending = (async () => {
      for (; accepted < blocks; accepted++) if (!stream.write(block)) await once(stream, 'drain');
      stream.end();
    })();
    // Nobody reads: what fits into windows and socket buffers is taken, and then no more.
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(accepted).toBeLessThan(45);
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of stream) {
      hash.update(chunk as Buffer);
      bytes += (chunk as Buffer).length;
    }
    await sending;
    const wanted = createHash('sha256');
    for (let i = 0; i < blocks; i++) wanted.update(block);
    expect(bytes).toBe(blocks << 20);
    expect(hash.digest('hex')).toBe(wanted.digest('hex'));
  });

  it('carries 150 streams at once', async () => {
    accept = (socket) => void socket.pipe(socket);
    const streams = await Promise.all(Array.from({ length: 150 }, open));
    const answers = streams.map(async (stream, index) => {
      const words = `stream ${index} `.repeat(2_000);
      stream.end(words);
      return (await read(stream)) === words;
    });
    expect(await Promise.all(answers)).toEqual(streams.map(() => true));
  });

  it('passes a reset of the caller on to the application', async () => {
    let gone: Promise<unknown> | undefined;
    accept = (socket) => {
      // Envoy makes FIN or RST of it, by whether bytes were on the way.
      gone = new Promise((resolve) => socket.on('end', resolve).on('error', resolve));
      socket.resume().write('a part');
    };
    const stream = await open();
    stream.write('x');
    await once(stream, 'data');
    if (stream instanceof Socket) stream.resetAndDestroy();
    else stream.destroy();
    await gone;
  });
});

describe('HBONE to Envoy', () => {
  /** Connections that Envoy has opened to the application. */
  const reached = async () =>
    (await envoy.admin.stats('cluster.application.upstream_cx_total')).get('cluster.application.upstream_cx_total') ??
    0;
  const active = async () =>
    (await envoy.admin.stats('http.terminate.downstream_rq_active')).get('http.terminate.downstream_rq_active') ?? 0;

  it('passes a reset of the application on as an error, never as an end', async () => {
    let socket: Socket | undefined;
    accept = (accepted) => {
      socket = accepted;
      accepted.write('a part');
    };
    const stream = await throughClient();
    let ended = false;
    stream.on('end', () => (ended = true));
    await once(stream, 'data');
    const broken = new Promise((resolve) => stream.once('error', resolve));
    socket?.resetAndDestroy();
    expect(await broken).toMatchObject({ code: 'ECONNRESET' });
    expect(ended).toBe(false);
  });

  it('ends when the application ends first: Envoy then takes no more, and the caller learns it', async () => {
    let heard = '';
    accept = (socket) => {
      socket.end('greeting');
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    };
    const stream = await throughClient();
    const failed = new Promise((resolve) => stream.once('error', resolve));
    let words = '';
    stream.on('data', (chunk: Buffer) => (words += chunk.toString()));
    expect(await failed).toMatchObject({ code: 'ECONNRESET' });
    expect([words, heard]).toEqual(['greeting', '']);
  });

  it('is pooled: 100 streams a connection', async () => {
    const fresh = createHboneClient();
    accept = (socket) => void socket.pipe(socket);
    const before = await active();
    const tunnels = await Promise.all(Array.from({ length: 201 }, () => fresh.connect(request())));
    expect(fresh.connections()).toBe(3);
    expect((await active()) - before).toBe(201);
    for (const tunnel of tunnels) tunnel.destroy();
    await vi.waitFor(async () => expect(await active()).toBe(before), 5_000);
    await fresh.close();
  });

  it.each<[string, () => Promise<HboneTls>, RegExp]>([
    ['no certificate', async () => ({ ca: ca.root }) as HboneTls, /certificate required|handshake/],
    ['another CA', async () => tls(CALLER, await createAuthority('cluster.local')), /unknown ca|handshake/],
    [
      'an expired certificate',
      () => tls(CALLER, ca, { notBefore: new Date(0), notAfter: new Date(86_400_000) }),
      /certificate expired|handshake/,
    ],
  ])('is refused with %s, and says so', async (_, makeTls, words) => {
    const before = await reached();
    const error = await client.connect(request({ tls: await makeTls() })).catch((failed: HboneError) => failed);
    expect(error).toMatchObject({ failure: 'tls' });
    expect((error as HboneError).message).toMatch(words);
    expect(await reached()).toBe(before);
  });

  it('is refused for an unknown address with 404, and by the client if Envoy is somebody else', async () => {
    await expect(client.connect(request({ authority: '10.96.0.11:9080' }))).rejects.toMatchObject({
      failure: 'refused',
      status: 404,
    });
    await expect(client.connect(request({ expectedIdentity: SERVER }))).rejects.toMatchObject({ failure: 'identity' });
  });
});

describe('HBONE from Envoy', () => {
  it('lets the application end its direction first', async () => {
    let heard = '';
    accept = (socket) => {
      socket.end('greeting');
      void read(socket).then((words) => (heard = words));
    };
    const stream = await throughServer();
    expect(await read(stream)).toBe('greeting');
    await new Promise((resolve) => setTimeout(resolve, 100));
    stream.end('late words');
    await vi.waitFor(() => expect(heard).toBe('late words'), 5_000);
  });

  it('is told of a reset of the application by RST_STREAM', async () => {
    let socket: Socket | undefined;
    accept = (accepted) => {
      socket = accepted;
      accepted.write('a part');
    };
    const resets = async () =>
      (await envoy.admin.stats('cluster.server.http2.rx_reset')).get('cluster.server.http2.rx_reset') ?? 0;
    const before = await resets();
    const stream = await throughServer();
    stream.write('x');
    await once(stream, 'data');
    // Envoy's tcp_proxy shows its caller a FIN, whatever the reason was.
    const over = new Promise((resolve) => stream.once('end', resolve).once('error', resolve));
    stream.resume();
    socket?.resetAndDestroy();
    await over;
    expect(await resets()).toBe(before + 1);
    stream.destroy();
  });

  it("brings Envoy's identity and the authority", async () => {
    accept = (socket) => void socket.end('x');
    events.length = 0;
    expect(await read(await throughServer())).toBe('x');
    expect(events).toEqual([{ kind: 'tunnel', peer: ENVOY, authority: AUTHORITY, status: 200 }]);
  });
});
