import { Code, ConnectError, createContextKey, type ConnectRouter, type HandlerContext } from '@connectrpc/connect';
import { AggregatedDiscoveryService } from '#gen/envoy/service/discovery/v3/ads_pb.ts';
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from '#gen/envoy/service/discovery/v3/discovery_pb.ts';
import type { Connection, XdsEvent, Protocol } from './event.ts';
import { Refusal, type RefusalCode } from './refusal.ts';
import type { Outgoing, Stream } from './stream.ts';
import { deltaResponse, responseSize, worldResponse } from './wire.ts';
import type { Wakeup } from './wakeup.ts';

/** Put into each request's context by the HTTP/2 server. */
export const CONNECTION = createContextKey<Connection>({ kind: 'socket' }, { description: 'who is at the other end' });

/** A stream that was let in, and how it is told that there may be something to send. */
export interface Session {
  readonly stream: Stream;
  readonly wakeup: Wakeup;
  /** Set from outside to end the stream. */
  readonly ending: { reason?: Refusal };
}

/** What the service needs of the server that runs it. */
export interface Host {
  readonly helloMs: number;
  /** Lets a stream in by the node of its first message. @throws Refusal */
  open(protocol: Protocol, nodeId: string, connection: Connection): Session;
  close(session: Session, reason: string): void;
  /** The session's stream received or sent something. */
  active(session: Session): void;
  emit(event: XdsEvent): void;
}

/** Milliseconds of a clock that never goes back. */
export const clock = (): number => performance.now();

/** What differs between the two protocols. */
interface Dialect<Request, Response> {
  readonly protocol: Protocol;
  receive(stream: Stream, request: Request, now: number): void;
  encode(outgoing: Outgoing): Response;
}

const DELTA: Dialect<DeltaDiscoveryRequest, DeltaDiscoveryResponse> = {
  protocol: 'delta',
  receive: (stream, request, now) => stream.receiveDelta(request, now),
  encode: ({ typeUrl, nonce, changes, removed }) => deltaResponse(typeUrl, nonce, changes, removed),
};

const WORLD: Dialect<DiscoveryRequest, DiscoveryResponse> = {
  protocol: 'world',
  receive: (stream, request, now) => stream.receiveWorld(request, now),
  encode: ({ typeUrl, nonce, version, world }) => worldResponse(typeUrl, nonce, version, world),
};

/** The aggregated discovery service, incremental and state of the world, for a Connect router. */
export const aggregatedDiscovery =
  (host: Host) =>
  (router: ConnectRouter): ConnectRouter =>
    router.service(AggregatedDiscoveryService, {
      deltaAggregatedResources: (requests, context) => serve(DELTA, host, requests, context),
      streamAggregatedResources: (requests, context) => serve(WORLD, host, requests, context),
    });

/**
 * One stream. Responses are pulled by the transport: one is made when the one before has been written, from the state
 * of that moment, so that a slow reader finds the newest state and never a queue.
 */
async function* serve<
  Request extends DeltaDiscoveryRequest | DiscoveryRequest,
  Response extends DeltaDiscoveryResponse | DiscoveryResponse,
>(
  dialect: Dialect<Request, Response>,
  host: Host,
  requests: AsyncIterable<Request>,
  context: HandlerContext,
): AsyncGenerator<Response> {
  const incoming = requests[Symbol.asyncIterator]();
  const session = await greet(dialect, host, incoming, context);
  if (session === undefined) return;
  const { stream, wakeup, ending } = session;
  let reason = 'the client closed the stream';
  const reading: { done: boolean; failure?: unknown } = { done: false };
  void read(dialect, host, incoming, session)
    .catch((error: unknown) => {
      if (error instanceof Refusal) ending.reason ??= error;
      else reading.failure = error;
    })
    .finally(() => {
      reading.done = true;
      wakeup.notify();
    });
  try {
    while (!reading.done && ending.reason === undefined) {
      const next = stream.next(clock());
      if ('retryAt' in next) {
        await wakeup.wait(next.retryAt === undefined ? undefined : next.retryAt - clock());
        continue;
      }
      const response = dialect.encode(next);
      host.active(session);
      host.emit({
        kind: 'sent',
        node: stream.node.id,
        typeUrl: next.typeUrl,
        names: next.changes.map(({ name }) => name),
        removed: next.removed,
        bytes: responseSize(response),
      });
      yield response;
    }
    const failure = ending.reason === undefined ? reading.failure : statusOf(ending.reason);
    if (failure !== undefined) {
      reason = failure instanceof ConnectError ? failure.rawMessage : String(failure);
      throw failure;
    }
  } finally {
    host.close(session, reason);
  }
}

/** Waits for the first message, which says who calls. */
async function greet<Request extends DeltaDiscoveryRequest | DiscoveryRequest>(
  dialect: Dialect<Request, unknown>,
  host: Host,
  incoming: AsyncIterator<Request>,
  context: HandlerContext,
): Promise<Session | undefined> {
  let nodeId = '';
  try {
    const first = await firstOf(incoming, host.helloMs);
    if (first === undefined) return undefined;
    nodeId = first.node?.id ?? '';
    if (nodeId === '') throw new Refusal('no-node', 'expected a node id in the first message of the stream, came none');
    const session = host.open(dialect.protocol, nodeId, context.values.get(CONNECTION));
    try {
      dialect.receive(session.stream, first, clock());
    } catch (error) {
      host.close(session, 'its first request was refused');
      throw error;
    }
    return session;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    host.emit({ kind: 'refused', node: nodeId.slice(0, 80), reason: error.message });
    throw statusOf(error);
  }
}

async function firstOf<T>(incoming: AsyncIterator<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Refusal('too-slow', `expected a first message within ${ms} ms, came none`)),
      ms,
    );
  });
  try {
    const first = await Promise.race([incoming.next(), tooLate]);
    return first.done === true ? undefined : first.value;
  } finally {
    clearTimeout(timer);
  }
}

/** Takes requests as they come. @throws Refusal when one cannot be served, or the transport's error */
async function read<Request extends DeltaDiscoveryRequest | DiscoveryRequest>(
  dialect: Dialect<Request, unknown>,
  host: Host,
  incoming: AsyncIterator<Request>,
  session: Session,
): Promise<void> {
  const { stream, wakeup } = session;
  for (;;) {
    const next = await incoming.next();
    if (next.done === true) return;
    const id = next.value.node?.id ?? '';
    if (id !== '' && id !== stream.node.id) {
      throw new Refusal('not-allowed', 'expected one node on one stream, came another node id in a later message');
    }
    dialect.receive(stream, next.value, clock());
    host.active(session);
    wakeup.notify();
  }
}

const CODES: Readonly<Record<RefusalCode, Code>> = {
  'no-node': Code.InvalidArgument,
  'bad-node': Code.InvalidArgument,
  'not-allowed': Code.PermissionDenied,
  'too-much': Code.ResourceExhausted,
  'too-slow': Code.DeadlineExceeded,
  closing: Code.Unavailable,
};

const statusOf = (refusal: Refusal): ConnectError => new ConnectError(refusal.message, CODES[refusal.code]);
