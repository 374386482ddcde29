import { connect as connectHttp2, constants, type ClientHttp2Session } from 'node:http2';
import { connect as connectTls } from 'node:tls';
import { spiffeIdOf, type SpiffeId } from '#model/identity.ts';
import { formatAuthority } from './authority.ts';
import { HboneError, resetName } from './error.ts';
import { CONNECTION_WINDOW, HBONE_TLS, STREAM_WINDOW, handshakeError, type HboneTls } from './tls.ts';
import { Tunnel } from './tunnel.ts';

/** ztunnel opens no more streams on one connection; a server may allow fewer. */
const MAX_STREAMS = 100;
const REFUSED = constants.NGHTTP2_REFUSED_STREAM;

export interface Waypoint {
  /** Address or host name. */
  readonly host: string;
  readonly port: number;
}

/** One mutual TLS connection that carries tunnels. */
export interface HboneSession {
  /** Undefined when the server's certificate holds no SPIFFE id; no tunnel is opened then. */
  readonly peer: SpiffeId | undefined;
  /** The alternative names in its certificate, for messages. */
  readonly peerNames: string;
  /** Takes the place of one stream if there is one; `open` fills it, `release` gives it back. */
  reserve(): boolean;
  release(): void;
  open(authority: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Tunnel>;
  onClose(listener: () => void): void;
  /** GOAWAY; resolves when the last stream has ended. */
  close(): Promise<void>;
  destroy(): void;
}

export const placeOf = ({ host, port }: Waypoint): string => formatAuthority({ address: host, port });

/** Connects. Resolves once the server's SETTINGS came, which a TLS 1.3 server sends only after it took our certificate. */
export async function openSession(waypoint: Waypoint, tls: HboneTls, signal: AbortSignal): Promise<HboneSession> {
  const place = placeOf(waypoint);
  const socket = connectTls({
    ...HBONE_TLS,
    ...tls,
    host: waypoint.host,
    port: waypoint.port,
    // Identity is the URI name, checked by the caller; host names are not in mesh certificates.
    checkServerIdentity: () => undefined,
    servername: '',
  });
  socket.setNoDelay(true).setKeepAlive(true, 30_000);
  const http2 = await new Promise<ClientHttp2Session>((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error instanceof HboneError ? error : handshakeError(place, error));
    };
    const aborted = (): void => fail(timeout(place, signal));
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    socket.once('error', fail);
    socket.once('secureConnect', () => {
      if (socket.alpnProtocol !== 'h2') return fail(new HboneError('tls', `${place} does not speak HTTP/2 over TLS`));
      const session = connectHttp2(`https://${place}`, {
        createConnection: () => socket,
        settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
        maxSessionMemory: 64,
      });
      session.on('error', fail);
      session.once('close', () => fail(Object.assign(new Error('closed'), { code: 'ECONNRESET' })));
      session.once('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW));
      session.once('remoteSettings', () => {
        signal.removeEventListener('abort', aborted);
        resolve(session);
      });
    });
  });
  const names = socket.getPeerX509Certificate()?.subjectAltName ?? '';
  return wrap(http2, place, names);
}

function wrap(http2: ClientHttp2Session, place: string, peerNames: string): HboneSession {
  const peer = spiffeIdOf(peerNames);
  let streams = 0;
  let goingAway = false;
  let closing = false;
  http2.on('goaway', () => (goingAway = true));
  const usable = (): boolean => !goingAway && !http2.closed && !http2.destroyed;
  // A connection without tunnels keeps no process alive.
  http2.unref();

  const track = (delta: 1 | -1): void => {
    streams += delta;
    if (streams === 0 && !closing) http2.unref();
    else if (streams === 1 && delta === 1) http2.ref();
  };

  return {
    peer,
    peerNames,
    reserve() {
      const room = streams < Math.min(MAX_STREAMS, http2.remoteSettings.maxConcurrentStreams ?? MAX_STREAMS);
      if (!usable() || !room) return false;
      track(1);
      return true;
    },
    release: () => track(-1),
    onClose: (listener) => void http2.once('close', listener),
    close: () =>
      new Promise((resolve) => {
        if (http2.destroyed) return resolve();
        // Whoever waits for the end of a connection must not be ended before it.
        closing = true;
        http2.ref();
        // Not as the callback of close(), which is not called when GOAWAY came before.
        http2.once('close', resolve);
        http2.close();
      }),
    destroy: () => http2.destroy(),
    open(authority, headers, signal) {
      return new Promise((resolve, reject) => {
        if (peer === undefined || !usable()) {
          track(-1);
          return reject(new HboneError('reset', `${place} closed the connection`, { resetCode: REFUSED }));
        }
        const stream = http2.request(
          { ...headers, ':method': 'CONNECT', ':authority': authority },
          { endStream: false },
        );
        stream.once('close', () => track(-1));
        const fail = (error: HboneError): void => {
          signal.removeEventListener('abort', aborted);
          // Errors after this one say the same again.
          stream.on('error', () => undefined);
          stream.close(constants.NGHTTP2_CANCEL);
          reject(error);
        };
        const aborted = (): void => fail(timeout(place, signal));
        const reset = (error?: Error): void => {
          const resetCode = stream.rstCode ?? constants.NGHTTP2_NO_ERROR;
          const came = `${place} reset CONNECT ${authority} (${resetName(resetCode)})`;
          fail(new HboneError('reset', came, error ? { resetCode, cause: error } : { resetCode }));
        };
        const closed = (): void => reset();
        if (signal.aborted) return aborted();
        signal.addEventListener('abort', aborted, { once: true });
        stream.once('error', reset);
        stream.once('close', closed);
        stream.once('response', (response) => {
          const status = response[':status'] ?? 0;
          stream.off('close', closed);
          if (status < 200 || status > 299) {
            return fail(
              new HboneError('refused', `${place} refused CONNECT ${authority}: status ${status}`, { status }),
            );
          }
          signal.removeEventListener('abort', aborted);
          stream.off('error', reset);
          resolve(new Tunnel(stream, peer, response));
        });
      });
    },
  };
}

function timeout(place: string, signal: AbortSignal): HboneError {
  const timedOut = (signal.reason as Error | undefined)?.name === 'TimeoutError';
  const message = timedOut ? `${place} did not answer in time` : `the connection to ${place} was given up`;
  return new HboneError(timedOut ? 'timeout' : 'closed', message, { cause: signal.reason });
}
