import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import type { Authority } from '#identity/authority.ts';
import { listenHbone, type HboneServer } from '#hbone/server.ts';
import type { HboneTls } from '#hbone/tls.ts';
import { spiffeId, type SpiffeId } from '#model/identity.ts';

export interface PodOptions {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly address: string;
  readonly port: number;
  /** `none`: plain TCP, as a workload outside of the mesh. */
  readonly tunnel: 'hbone' | 'none';
  /** Of the endpoint's certificate, where a test wants it to be somebody else. */
  readonly identity?: SpiffeId;
  /** Speaks first and echoes bytes instead of HTTP. */
  readonly tcp?: boolean;
  /** Speaks HTTP/2 with prior knowledge, and answers with trailers as gRPC does. */
  readonly h2c?: boolean;
  /** Answers in place of the echo. */
  readonly application?: TcpServer;
}

/** What an echo application saw of a request; also its JSON answer. */
export interface Seen {
  readonly pod: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: number;
}

export interface EchoPod {
  readonly name: string;
  /** Every request that reached the application: a test of a refusal looks here, not only at the status. */
  readonly seen: readonly Seen[];
  /** Who opened tunnels to it. */
  readonly callers: ReadonlySet<SpiffeId>;
  /** How many TCP connections the application was ever given. */
  readonly connections: number;
  close(): Promise<void>;
}

const HBONE_PORT = 15008;

/** A pod on a loopback address: an application that answers what it saw, and an HBONE endpoint in place of ztunnel. */
export async function startPod(authority: Authority, options: PodOptions): Promise<EchoPod> {
  const { name, address, port } = options;
  const seen: Seen[] = [];
  const callers = new Set<SpiffeId>();
  const application =
    options.application ?? (options.tcp ? tcpEcho() : options.h2c ? h2cEcho(name, seen) : httpEcho(name, seen));
  let connections = 0;
  application.on('connection', () => connections++);
  await listening(application, address, port);
  const endpoint = options.tunnel === 'hbone' ? await hbone(authority, options, callers) : undefined;
  return {
    name,
    seen,
    callers,
    get connections() {
      return connections;
    },
    async close() {
      await endpoint?.close(0);
      if ('closeAllConnections' in application) application.closeAllConnections();
      await new Promise<void>((resolve) => application.close(() => resolve()));
    },
  };
}

async function hbone(authority: Authority, options: PodOptions, callers: Set<SpiffeId>): Promise<HboneServer> {
  const { namespace, serviceAccount, address, port } = options;
  const identity = options.identity ?? spiffeId(authority.trustDomain, namespace, serviceAccount);
  const { certificate, key } = await authority.issue({ spiffeId: identity });
  const tls: HboneTls = { cert: certificate, key, ca: authority.root };
  return listenHbone({
    listen: { host: address, port: HBONE_PORT },
    tls,
    trustDomains: [authority.trustDomain],
    target(call) {
      callers.add(call.peer);
      return call.authority.address === address && call.authority.port === port
        ? { host: address, port }
        : { refuse: 404 };
    },
  });
}

function httpEcho(pod: string, seen: Seen[]): Server {
  return createServer((request, response) => {
    let body = 0;
    request.on('data', (chunk: Buffer) => (body += chunk.length));
    request.on('end', () => {
      const one: Seen = { pod, method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      seen.push(one);
      response.setHeader('x-served-by', pod);
      const events = eventsAsked(request.url);
      if (events !== undefined) return sendEvents(response, events);
      const size = sizeAsked(request);
      if (size === undefined) response.setHeader('content-type', 'application/json').end(JSON.stringify(one));
      else response.end(Buffer.alloc(size, 'x'));
    });
  });
}

/** `/bytes/1000` is answered with a thousand bytes. */
function sizeAsked(request: IncomingMessage): number | undefined {
  const size = /^\/bytes\/(\d+)$/.exec(request.url ?? '')?.[1];
  return size === undefined ? undefined : Number(size);
}

/** `/events/3` is answered with three events. */
function eventsAsked(url: string | undefined): number | undefined {
  const count = /^\/events\/(\d+)$/.exec(url ?? '')?.[1];
  return count === undefined ? undefined : Number(count);
}

/** Server-sent events, one each tenth of a second. */
function sendEvents(response: Writable, count: number): void {
  let sent = 0;
  const timer = setInterval(() => {
    response.write(`data: ${++sent}\n\n`);
    if (sent < count) return;
    clearInterval(timer);
    response.end();
  }, 100);
  response.on('close', () => clearInterval(timer));
}

/** A body of what it saw, and `grpc-status` after it: 0, or what the header `want-status` asks for. */
function h2cEcho(pod: string, seen: Seen[]): Http2Server {
  return createHttp2Server((request, response) => {
    let body = 0;
    request.on('data', (chunk: Buffer) => (body += chunk.length));
    request.on('end', () => {
      const one: Seen = { pod, method: request.method, path: request.url, headers: request.headers, body };
      seen.push(one);
      const events = eventsAsked(request.url);
      if (events !== undefined) return sendEvents(response, events);
      response.addTrailers({ 'grpc-status': String(request.headers['want-status'] ?? '0') });
      response.end(JSON.stringify(one));
    });
  });
}

/** Greets, then echoes until the other side ends, and then says goodbye: the server speaks first and last. */
function tcpEcho(): TcpServer {
  return createTcpServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.write('hello\n');
    socket.on('data', (chunk) => void socket.write(chunk));
    socket.on('end', () => socket.end('goodbye\n'));
    socket.on('error', () => socket.destroy());
  });
}

function listening(server: Server | TcpServer | Http2Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => resolve(server.address() as AddressInfo));
  });
}
