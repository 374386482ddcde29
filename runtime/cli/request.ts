import { request, type IncomingHttpHeaders } from 'node:http';
import { TunnelAgent } from '#hbone/agent.ts';
import type { HboneClient, TunnelRequest } from '#hbone/client.ts';
import type { HboneTls } from '#hbone/tls.ts';
import type { SpiffeId } from '#model/identity.ts';

/** One HTTP request, as an application hands it to the mesh. */
export interface MeshRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** The Host header. */
  readonly host: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: string | Uint8Array;
  readonly timeoutMs: number;
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

export interface MeshResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: IncomingHttpHeaders;
  /** As they came: name, value, name, value, … */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** From the call until the last byte, the tunnel included. */
  readonly durationMs: number;
}

/** No answer within the time given. */
export class NoAnswer extends Error {}

/** Keeps tunnels to one entry for several requests. */
export interface MeshConnection {
  send(request: MeshRequest): Promise<MeshResponse>;
  close(): void;
}

/**
 * HTTP/1.1 requests through HBONE tunnels of `client`. `send` rejects with HboneError when there is no tunnel, and with
 * NoAnswer when time is up.
 */
export function openMesh(client: HboneClient, entry: MeshEntry): MeshConnection {
  const tunnel: TunnelRequest = { ...entry };
  const agent = new TunnelAgent(client, tunnel);
  return {
    send: (wanted) => send(agent, wanted),
    close: () => agent.destroy(),
  };
}

function send(agent: TunnelAgent, wanted: MeshRequest): Promise<MeshResponse> {
  const { method, path, host, headers, body, timeoutMs } = wanted;
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const call = request({ agent, method, path, setHost: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        clearTimeout(limit);
        resolve({
          status: response.statusCode ?? 0,
          statusText: response.statusMessage ?? '',
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: Buffer.concat(chunks),
          durationMs: performance.now() - began,
        });
      });
    });
    const limit = setTimeout(() => call.destroy(new NoAnswer(`no answer within ${timeoutMs} ms`)), timeoutMs);
    call.on('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
    if (!headers.some(([name]) => name.toLowerCase() === 'host')) call.setHeader('host', host);
    for (const [name, value] of headers) call.appendHeader(name, value);
    if (body !== undefined) call.setHeader('content-length', Buffer.byteLength(body));
    call.end(body);
  });
}
