import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { HboneClient } from '#hbone/client.ts';
import type { HboneTls } from '#hbone/tls.ts';
import type { SpiffeId } from '#model/identity.ts';
import { openHttp1 } from './request/http1.ts';
import { openHttp2 } from './request/http2.ts';

/** One HTTP request, as an application hands it to the mesh. */
export interface MeshRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** The Host header. */
  readonly host: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** A stream is sent as it comes, without a length unless a header says it. */
  readonly body?: string | Uint8Array | Readable;
  /** Until the last byte of the answer; no limit when absent. */
  readonly timeoutMs?: number;
  /** Until the answer begins. */
  readonly answerTimeoutMs?: number;
}

/** Where it enters the mesh, and as whom. */
export interface MeshEntry {
  readonly waypoint: { readonly host: string; readonly port: number };
  /** Virtual address and port. */
  readonly authority: string;
  readonly tls: HboneTls;
  readonly expectedIdentity?: SpiffeId;
  /** Sent with CONNECT: `baggage`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is spoken inside the tunnel. HTTP/2 is with prior knowledge (h2c): there is no TLS to negotiate it. */
export type HttpVersion = 'HTTP/1.1' | 'HTTP/2';

interface Head {
  readonly version: HttpVersion;
  readonly status: number;
  /** Empty in HTTP/2, which has none. */
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  /** As they came: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
}

/** An answer that has begun. */
export interface MeshAnswer extends Head {
  /** As it comes; fails when the answer breaks off, and with NoAnswer when time is up. */
  readonly body: Readable;
  /** What came after the body, likewise; empty until it has ended. */
  readonly trailers: () => readonly string[];
}

/** A whole answer. */
export interface MeshResponse extends Head {
  readonly body: Buffer;
  readonly rawTrailers: readonly string[];
  /** From the call until the last byte, the tunnel included. */
  readonly durationMs: number;
}

/** Keeps tunnels to one entry for several requests. */
export interface MeshConnection {
  /** Resolves when the answer begins; the caller reads its body, or destroys it. */
  begin(request: MeshRequest): Promise<MeshAnswer>;
  send(request: MeshRequest): Promise<MeshResponse>;
  close(): void;
}

/**
 * Requests through HBONE tunnels of `client`. `begin` and `send` reject with HboneError when there is no tunnel, and
 * with NoAnswer when time is up.
 */
export function openMesh(client: HboneClient, entry: MeshEntry, version: HttpVersion = 'HTTP/1.1'): MeshConnection {
  const open = version === 'HTTP/2' ? openHttp2 : openHttp1;
  const { begin, close } = open(client, { ...entry });
  return {
    begin,
    close,
    async send(request) {
      const began = performance.now();
      const { body, trailers, ...head } = await begin(request);
      const chunks: Buffer[] = [];
      for await (const chunk of body) chunks.push(chunk as Buffer);
      const durationMs = performance.now() - began;
      return { ...head, body: Buffer.concat(chunks), rawTrailers: trailers(), durationMs };
    },
  };
}
