import { constants as tlsConstants } from 'node:crypto';
import {
  constants,
  createServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type Server } from 'node:tls';
import { parseSpiffeId, spiffeIdOf, type SpiffeId } from '#model/identity.ts';
import { parseAuthority, type Authority } from './authority.ts';
import { splice } from './splice.ts';
import { CONNECTION_WINDOW, HBONE_TLS, STREAM_WINDOW, type HboneTls } from './tls.ts';
import { Tunnel } from './tunnel.ts';

const { HTTP2_HEADER_METHOD, HTTP2_HEADER_AUTHORITY } = constants;

/** A caller that was refused may keep its half of the stream open for so long. */
const REFUSED_LINGER_MS = 1_000;

/** One CONNECT, after its caller was authenticated. */
interface TunnelCall {
  readonly peer: SpiffeId;
  readonly authority: Authority;
  /** Of the CONNECT request. */
  readonly headers: IncomingHttpHeaders;
}

/** Where a tunnel ends: an application in plain TCP, a stream made for it, or a refusal with an HTTP status. */
type TunnelTarget =
  | { readonly host: string; readonly port: number }
  | { readonly stream: (tunnel: Tunnel) => void }
  | { readonly refuse: number };

/** What happened, for a log: one line a tunnel, one a refused connection. Never holds payload. */
export type HboneEvent =
  | { readonly kind: 'tunnel'; readonly peer: SpiffeId; readonly authority: string; readonly status: number }
  | { readonly kind: 'refused connection'; readonly from: string; readonly reason: string };

export interface HboneServerOptions {
  /** Address and port to listen on; port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: HboneTls;
  /** Trust domains whose identities may call. */
  readonly trustDomains: readonly string[];
  /** Decides where a tunnel goes. An authority that is not served is to be refused with 404. */
  target(call: TunnelCall): TunnelTarget;
  onEvent?(event: HboneEvent): void;
  /** Sent with every 200, as ztunnel does: `baggage`. */
  readonly responseHeaders?: Readonly<Record<string, string>>;
  /** At once; more are closed before the handshake. 1,000 unless said otherwise. */
  readonly maxConnections?: number;
  /** Until the application takes the connection; 5,000 unless said otherwise. */
  readonly connectTimeoutMs?: number;
}

export interface HboneServer {
  readonly address: { readonly host: string; readonly port: number };
  /** For connections from now on. */
  replaceTls(tls: HboneTls): void;
  /** Tunnels that are open. */
  tunnels(): number;
  /** GOAWAY to all; waits for open tunnels at most so long (ms), then resets them. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Terminates HBONE in front of an application, in place of the destination's ztunnel. Mutual TLS 1.3 is demanded;
 * a caller without one SPIFFE id of a known trust domain is cut off before any stream. 400: not a CONNECT, or an
 * authority that is not a canonical address:port; 503: the application cannot be reached.
 */
export async function listenHbone(options: HboneServerOptions): Promise<HboneServer> {
  const sessions = new Set<ServerHttp2Session>();
  let tunnels = 0;

  const http2 = createServer({
    settings: { maxConcurrentStreams: 100, initialWindowSize: STREAM_WINDOW, maxHeaderListSize: 16_384 },
    maxHeaderListPairs: 50,
    maxSessionInvalidFrames: 100,
    maxSessionMemory: 64,
  });
  http2.on('sessionError', () => undefined);
  http2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.setLocalWindowSize(CONNECTION_WINDOW);
  });

  const context = (tls: HboneTls) => ({ ...HBONE_TLS, ...tls, secureOptions: tlsConstants.SSL_OP_NO_TICKET });
  const server = createTlsServer({
    // No tickets, so no resumption: each connection proves its certificate against the roots of now.
    ...context(options.tls),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: 10_000,
  });
  server.maxConnections = options.maxConnections ?? 1_000;
  server.on('tlsClientError', (error, socket) => {
    options.onEvent?.({ kind: 'refused connection', from: socket.remoteAddress ?? '', reason: error.message });
  });
  server.on('secureConnection', (socket) => {
    const names = socket.getPeerX509Certificate()?.subjectAltName;
    const peer = spiffeIdOf(names);
    if (socket.alpnProtocol !== 'h2') {
      options.onEvent?.({ kind: 'refused connection', from: socket.remoteAddress ?? '', reason: 'no ALPN h2' });
      return socket.destroy();
    }
    if (peer === undefined || !options.trustDomains.includes(parseSpiffeId(peer)?.trustDomain ?? '')) {
      const reason = `expected an identity of ${options.trustDomains.join(', ')}; came ${names ?? 'no name'}`;
      options.onEvent?.({ kind: 'refused connection', from: socket.remoteAddress ?? '', reason });
      return socket.destroy();
    }
    socket.setNoDelay(true).setKeepAlive(true, 30_000);
    http2.once('session', (session) =>
      session.on('stream', (stream, headers) => {
        tunnels++;
        stream.once('close', () => tunnels--);
        serve(options, stream, headers, peer);
      }),
    );
    // HTTP/2 begins on a connection whose caller is known; the session is made at once.
    http2.emit('connection', socket);
  });
  await listening(server, options.listen);

  return {
    address: { host: options.listen.host, port: (server.address() as AddressInfo).port },
    replaceTls: (tls) =>
      server.setSecureContext({ ...HBONE_TLS, ...tls, secureOptions: tlsConstants.SSL_OP_NO_TICKET }),
    tunnels: () => tunnels,
    async close(graceMs = 5_000) {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions) session.close();
      const grace = setTimeout(() => sessions.forEach((session) => session.destroy()), graceMs);
      await closed;
      clearTimeout(grace);
    },
  };
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function serve(
  options: HboneServerOptions,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  peer: SpiffeId,
): void {
  const written = String(headers[HTTP2_HEADER_AUTHORITY] ?? '');
  const answer = (status: number): void => {
    options.onEvent?.({ kind: 'tunnel', peer, authority: written, status });
    if (stream.destroyed || stream.closed) return;
    if (status === 200) return stream.respond({ ...options.responseHeaders, ':status': 200 });
    stream.respond({ ':status': status }, { endStream: true });
    // The caller may go on sending, and must not hold the stream by that. Not at once: Node 22 lets a reset overtake
    // the answer.
    stream.resume();
    const end = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), REFUSED_LINGER_MS).unref();
    stream.once('close', () => clearTimeout(end));
  };
  stream.on('error', () => undefined);

  const authority = parseAuthority(written);
  if (headers[HTTP2_HEADER_METHOD] !== 'CONNECT' || !authority) return answer(400);
  const target = options.target({ peer, authority, headers });
  if ('refuse' in target) return answer(target.refuse);
  if ('stream' in target) {
    answer(200);
    // A reset by the caller must not end the process of whoever does not listen for it; 'close' follows.
    return target.stream(new Tunnel(stream, peer, headers).on('error', () => undefined));
  }

  const application = connect({ ...target, allowHalfOpen: true, noDelay: true });
  const timer = setTimeout(() => application.destroy(new Error('timeout')), options.connectTimeoutMs ?? 5_000);
  const failed = (): void => {
    clearTimeout(timer);
    answer(503);
  };
  const callerLeft = (): unknown => application.destroy();
  application.once('error', failed);
  stream.once('close', callerLeft);
  application.once('connect', () => {
    clearTimeout(timer);
    application.off('error', failed);
    stream.off('close', callerLeft);
    answer(200);
    splice(new Tunnel(stream, peer, headers), application satisfies Duplex);
  });
}
