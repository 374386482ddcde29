import type { Tunnel } from '#hbone/tunnel.ts';
import type { TestMesh } from '../mesh/mesh.ts';

/** What came back through a tunnel. */
export interface Outcome {
  /** Of every answer that was complete, in their order; interim ones included. */
  readonly statuses: readonly number[];
  /** The first, or `closed` without an answer, or `silent`. */
  readonly first: number | 'closed' | 'silent';
  readonly text: string;
  /** The waypoint ended the connection. */
  readonly closed: boolean;
}

export interface Exchange {
  /** `10.96.40.10:80` */
  readonly to: string;
  readonly as?: string;
  /** Written one after the other; a number is a pause in milliseconds. */
  readonly bytes: string | readonly (string | Buffer | number)[];
  /** How many answers end it, or that the connection is closed; one answer unless said otherwise. */
  readonly until?: number | 'close';
  /** Sent with CONNECT. */
  readonly connect?: Readonly<Record<string, string>>;
  readonly waitMs?: number;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function openTunnel(
  mesh: TestMesh,
  { to, as = 'default/alice', connect = {} }: Pick<Exchange, 'to' | 'as' | 'connect'>,
): Promise<Tunnel> {
  const tls = await mesh.tls(as);
  return mesh.client.connect({ waypoint: mesh.waypoint, authority: to, tls, headers: connect });
}

/** Sends bytes as they are through a tunnel of their own. */
export async function exchange(mesh: TestMesh, request: Exchange): Promise<Outcome> {
  const { bytes, until = 1, waitMs = 1_500 } = request;
  const tunnel = await openTunnel(mesh, request);
  let text = '';
  let closed = false;
  const over = new Promise<void>((resolve) => {
    tunnel.on('error', () => undefined);
    tunnel.on('end', () => {
      closed = true;
      resolve();
    });
    tunnel.on('close', () => {
      closed = true;
      resolve();
    });
    tunnel.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (typeof until === 'number' && statusesOf(text).length >= until) setTimeout(resolve, 10);
    });
  });
  for (const part of typeof bytes === 'string' ? [bytes] : bytes) {
    if (typeof part === 'number') await wait(part);
    else if (!closed) tunnel.write(typeof part === 'string' ? Buffer.from(part, 'latin1') : part);
  }
  await Promise.race([over, wait(waitMs)]);
  tunnel.destroy();
  const statuses = statusesOf(text);
  return { statuses, first: statuses[0] ?? (closed ? 'closed' : 'silent'), text, closed };
}

/** The statuses of the complete HTTP/1.1 answers in a text. */
function statusesOf(text: string): readonly number[] {
  const statuses: number[] = [];
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\r\n\r\n', at);
    if (end < 0) break;
    const head = text.slice(at, end);
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    if (!status) break;
    statuses.push(status);
    at = end + 4;
    if (status === 101) break;
    const size = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      const last = text.indexOf('0\r\n\r\n', at);
      if (last < 0) break;
      at = last + 5;
    } else {
      at += size;
    }
  }
  return statuses;
}

/** A GET with these lines between its first and its end. */
export const get = (path: string, lines: readonly string[] = [], host = 'web'): string =>
  [`GET ${path} HTTP/1.1`, `host: ${host}`, ...lines, '', ''].join('\r\n');
