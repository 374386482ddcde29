import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { createContextValues } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import type { XdsSnapshot } from '#envoy/resource.ts';
import { NackLog } from './acks.ts';
import { aggregatedDiscovery, clock, CONNECTION, type Host, type Session } from './ads.ts';
import type { Connection, XdsEvent } from './event.ts';
import { keepAlive } from './keepalive.ts';
import { LIMITS, type Limits } from './limits.ts';
import { parseNodeId, type NodeId } from './node.ts';
import { Refusal } from './refusal.ts';
import { settlement, SILENCE } from './settlement.ts';
import { prepareSocket, protectSocket } from './socket.ts';
import type { Settlement, XdsStatus } from './status.ts';
import { Stream } from './stream.ts';
import { Wakeup } from './wakeup.ts';

/** Which snapshot a node is served, or why it is turned away. */
type Admission = { readonly key: string } | { readonly refused: string };

export interface XdsServerOptions {
  /**
   * Called once a stream. The node is what the caller says it is; only `connection` proves anything. On our own socket
   * every caller is our own user, and `node.key` is the answer.
   */
  authorize(node: NodeId, connection: Connection): Admission;
  onEvent?(event: XdsEvent): void;
  readonly limits?: Partial<Limits>;
}

export interface XdsServer {
  /** Serves a Unix socket in a folder that only its owner may enter; the folder is made when absent. */
  listen(path: string): Promise<void>;
  /**
   * What the nodes of `key` (`namespace/name`) are to hold from now on. Cheap: nothing is compared before a stream can
   * send. A map that is the same object as before is taken to hold the same resources.
   */
  setSnapshot(key: string, snapshot: XdsSnapshot): void;
  /** Forgets a waypoint that is no more and ends its streams. Its Envoys keep what they hold. */
  removeSnapshot(key: string): void;
  status(): XdsStatus;
  /**
   * Waits until every connected node of `key` has accepted or refused all of its current snapshot, and at least one
   * is connected. Rejects with the signal's reason when that is aborted.
   */
  settled(key: string, signal?: AbortSignal): Promise<Settlement>;
  /** Ends all streams (Envoys keep what they hold, and come again) and frees the socket. */
  close(): Promise<void>;
}

/** Envoy opens one. */
const STREAMS_PER_CONNECTION = 100;

/** From an acknowledgement until those who wait for a snapshot look again, in milliseconds. */
const CHECK_DELAY = 5;

/** How long a peer may take to end its connection when the server closes, in milliseconds. */
const GRACE = 1_000;

/** A discovery server for many waypoints, each with its own snapshot. */
export function createXdsServer(options: XdsServerOptions): XdsServer {
  const limits: Limits = { ...LIMITS, ...options.limits };
  const snapshots = new Map<string, XdsSnapshot>();
  const sessions = new Map<Session, { readonly key: string; activeAt: number }>();
  const waiters = new Set<() => void>();
  const nacks = new NackLog();
  const connections = new Set<ServerHttp2Session>();
  const servers: Http2Server[] = [];

  const emit = (event: XdsEvent): void => {
    if (event.kind === 'nack' && !nacks.isNew(event)) return;
    options.onEvent?.(event);
  };

  // A check looks at every resource of a waypoint, so a burst of messages is looked at once.
  let checking: NodeJS.Timeout | undefined;
  const recheck = (): void => {
    if (waiters.size === 0) return;
    checking ??= setTimeout(() => {
      checking = undefined;
      for (const waiter of waiters) waiter();
    }, CHECK_DELAY);
  };

  const of = (key: string): readonly Session[] =>
    [...sessions].filter(([, session]) => session.key === key).map(([session]) => session);

  const end = (session: Session, reason: Refusal): void => {
    session.ending.reason ??= reason;
    session.wakeup.notify();
  };

  const host: Host = {
    helloMs: limits.helloMs,
    open(protocol, nodeId, connection) {
      const node = parseNodeId(nodeId);
      if ('problem' in node) throw new Refusal('bad-node', node.problem);
      if (sessions.size >= limits.streams) {
        throw new Refusal('too-much', `expected at most ${limits.streams} streams at a time, came another`);
      }
      const admission = options.authorize(node, connection);
      if ('refused' in admission) throw new Refusal('not-allowed', admission.refused);
      const { key } = admission;
      const stream = new Stream(protocol, { ...node, key }, limits, emit);
      const snapshot = snapshots.get(key);
      if (snapshot !== undefined) stream.replace(snapshot);
      const session: Session = { stream, wakeup: new Wakeup(), ending: {} };
      sessions.set(session, { key, activeAt: clock() });
      emit({ kind: 'connected', node: nodeId, key, protocol });
      return session;
    },
    close(session, reason) {
      const known = sessions.get(session);
      if (known === undefined) return;
      sessions.delete(session);
      emit({ kind: 'disconnected', node: session.stream.node.id, key: known.key, reason });
      recheck();
    },
    active(session) {
      const known = sessions.get(session);
      if (known !== undefined) known.activeAt = clock();
      recheck();
    },
    emit,
  };

  return {
    async listen(path) {
      await prepareSocket(path);
      const server = createServer(
        { settings: { maxConcurrentStreams: STREAMS_PER_CONNECTION } },
        connectNodeAdapter({
          connect: false,
          grpcWeb: false,
          // A compressed request could grow without bounds before its size is known.
          acceptCompression: [],
          readMaxBytes: limits.messageBytes,
          contextValues: () => createContextValues().set(CONNECTION, { kind: 'socket' }),
          routes: aggregatedDiscovery(host),
        }),
      );
      server.on('session', (session) => {
        connections.add(session);
        session.once('close', () => connections.delete(session));
        keepAlive(session);
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(path, () => {
          server.off('error', reject);
          resolve();
        });
      });
      servers.push(server);
      await protectSocket(path);
    },

    setSnapshot(key, snapshot) {
      snapshots.set(key, snapshot);
      for (const { stream, wakeup } of of(key)) {
        stream.replace(snapshot);
        wakeup.notify();
      }
      recheck();
    },

    removeSnapshot(key) {
      snapshots.delete(key);
      for (const session of of(key)) end(session, new Refusal('closing', `the waypoint ${key} is no more`));
    },

    status: () => ({ nodes: [...sessions.keys()].map(({ stream }) => stream.status()) }),

    settled: (key, signal) =>
      new Promise((resolve, reject) => {
        const finish = (): void => {
          waiters.delete(check);
          clearInterval(timer);
          signal?.removeEventListener('abort', abort);
        };
        const abort = (): void => {
          finish();
          reject(signal?.reason as Error);
        };
        const check = (): void => {
          const clients = of(key).map((session) => ({
            stream: session.stream,
            activeAt: sessions.get(session)?.activeAt ?? 0,
          }));
          const settled = snapshots.has(key) ? settlement(clients, clock()) : undefined;
          if (settled === undefined) return;
          finish();
          resolve(settled);
        };
        const timer = setInterval(check, SILENCE / 2);
        if (signal?.aborted === true) return abort();
        signal?.addEventListener('abort', abort);
        waiters.add(check);
        check();
      }),

    async close() {
      for (const session of sessions.keys()) end(session, new Refusal('closing', 'the runtime is shutting down'));
      const closed = servers.map(async (server) => new Promise<void>((resolve) => server.close(() => resolve())));
      for (const connection of connections) connection.close();
      const late = setTimeout(() => connections.forEach((connection) => connection.destroy()), GRACE);
      await Promise.all(closed);
      clearTimeout(late);
      servers.length = 0;
    },
  };
}
