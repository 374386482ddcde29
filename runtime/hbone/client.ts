import { createHash } from 'node:crypto';
import { constants } from 'node:http2';
import { parseAuthority } from './authority.ts';
import { HboneError } from './error.ts';
import { openSession, placeOf, type HboneSession, type Waypoint } from './session.ts';
import { checkIdentity, type ExpectedIdentity, type HboneTls } from './tls.ts';
import type { Tunnel } from './tunnel.ts';

export interface TunnelRequest {
  readonly waypoint: Waypoint;
  /** Virtual address and port of the service: `10.96.0.10:9080`. */
  readonly authority: string;
  readonly tls: HboneTls;
  /** Nothing is sent unless the server proves it. Absent: any identity that `tls.ca` vouches for. */
  readonly expectedIdentity?: ExpectedIdentity;
  /** Sent with CONNECT, as ztunnel does: `baggage`, `forwarded`, `traceparent`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Until CONNECT is answered; 10,000 unless said otherwise. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Opens tunnels and shares connections between those to one place with one certificate, 100 streams each. */
export interface HboneClient {
  /** Rejects with HboneError. */
  connect(request: TunnelRequest): Promise<Tunnel>;
  /** TLS connections that are open. */
  connections(): number;
  /** No new tunnels; waits for those that are open, at most so long (ms; 0: cuts them). */
  close(graceMs?: number): Promise<void>;
}

/** In place of ztunnel, for `portolan curl`, the example and tests. */
export function createHboneClient(): HboneClient {
  const pools = new Map<string, Set<Promise<HboneSession>>>();
  const ready = new WeakMap<Promise<HboneSession>, HboneSession>();
  let closed = false;

  /** A place on the first session that has one, else on a new one. */
  async function session(request: TunnelRequest, signal: AbortSignal): Promise<HboneSession> {
    const { waypoint, tls } = request;
    const key = `${placeOf(waypoint)} ${createHash('sha256')
      .update(JSON.stringify([tls.cert, tls.key, tls.ca]))
      .digest('hex')}`;
    const pool = pools.get(key) ?? new Set();
    pools.set(key, pool);
    // Whoever waited for a connection must look again: others that waited too may have filled it.
    for (;;) {
      let connecting: Promise<HboneSession> | undefined;
      for (const entry of pool) {
        const settled = ready.get(entry);
        if (settled?.reserve()) return settled;
        if (!settled) connecting = entry;
      }
      if (!connecting) break;
      await connecting.catch(() => undefined);
      if (signal.aborted) throw new HboneError('timeout', `${placeOf(waypoint)} did not answer in time`);
    }
    if (closed) throw new HboneError('closed', 'the client is closed');
    const opening = openSession(waypoint, tls, signal);
    pool.add(opening);
    const forget = (): void => {
      pool.delete(opening);
      if (pool.size === 0) pools.delete(key);
    };
    try {
      const opened = await opening;
      ready.set(opening, opened);
      opened.onClose(forget);
      opened.reserve();
      return opened;
    } catch (error) {
      forget();
      throw error;
    }
  }
  async function attempt(request: TunnelRequest, signal: AbortSignal): Promise<Tunnel> {
    const found = await session(request, signal);
    try {
      checkIdentity(found.peer, found.peerNames, request.expectedIdentity);
    } catch (error) {
      found.release();
      throw error;
    }
    return await found.open(request.authority, request.headers ?? {}, signal);
  }

  return {
    connections: () => [...pools.values()].reduce((sum, pool) => sum + pool.size, 0),
    async connect(request) {
      if (closed) throw new HboneError('closed', 'the client is closed');
      if (!parseAuthority(request.authority)) {
        throw new HboneError(
          'authority',
          `expected an address and port such as 10.96.0.10:9080; came "${request.authority}"`,
        );
      }
      const limit = AbortSignal.timeout(request.timeoutMs ?? 10_000);
      const signal = request.signal ? AbortSignal.any([limit, request.signal]) : limit;
      try {
        return await attempt(request, signal);
      } catch (error) {
        // REFUSED_STREAM promises that nothing was done (RFC 9113, 8.7); GOAWAY may have overtaken us.
        const refused = error instanceof HboneError && error.resetCode === constants.NGHTTP2_REFUSED_STREAM;
        if (!refused) throw error;
        return await attempt(request, signal);
      }
    },
    async close(graceMs = 5_000) {
      closed = true;
      const entries = [...pools.values()].flatMap((pool) => [...pool]);
      const sessions = (await Promise.allSettled(entries)).flatMap((one) =>
        one.status === 'fulfilled' ? [one.value] : [],
      );
      const grace = setTimeout(() => sessions.forEach((one) => one.destroy()), graceMs);
      await Promise.all(sessions.map((one) => one.close()));
      clearTimeout(grace);
    },
  };
}
