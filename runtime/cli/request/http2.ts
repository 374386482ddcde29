import { connect, type ClientHttp2Session, type OutgoingHttpHeaders } from 'node:http2';
import { Readable } from 'node:stream';
import type { HboneClient, TunnelRequest } from '#hbone/client.ts';
import { resetName } from '#hbone/error.ts';
import type { MeshAnswer, MeshConnection, MeshRequest } from '../request.ts';
import { deadline } from './deadline.ts';

/** The other side does not speak HTTP/2, or ended the request by a reset. */
export class Http2Failure extends Error {}

/** HTTP/2 inside one tunnel, with prior knowledge: one connection for all requests, opened by the first. */
export function openHttp2(client: HboneClient, tunnel: TunnelRequest): Pick<MeshConnection, 'begin' | 'close'> {
  let opening: Promise<ClientHttp2Session> | undefined;

  async function open(): Promise<ClientHttp2Session> {
    const stream = await client.connect(tunnel);
    // The name is not used: every request says its own authority.
    const session = connect('http://tunnel', { createConnection: () => stream });
    // Whoever has a request open learns of it there.
    session.on('error', () => undefined);
    session.on('close', () => (opening = undefined));
    return session;
  }

  return {
    async begin(wanted) {
      opening ??= open();
      return await begin(await opening, wanted);
    },
    close: () => void opening?.then((session) => session.destroy()).catch(() => undefined),
  };
}

function begin(session: ClientHttp2Session, wanted: MeshRequest): Promise<MeshAnswer> {
  const { body } = wanted;
  return new Promise((resolve, reject) => {
    const stream = session.request(headersOf(wanted), { endStream: body === undefined });
    const limit = deadline(wanted, (error) => stream.destroy(error));
    let rawTrailers: readonly string[] = [];
    stream.on('response', (headers, _flags, rawHeaders: readonly string[] = []) => {
      limit.answered();
      const { ':status': status = 0, ...rest } = headers;
      resolve({
        version: 'HTTP/2',
        status,
        statusText: '',
        headers: rest,
        rawHeaders: withoutPseudo(rawHeaders),
        body: stream,
        trailers: () => rawTrailers,
      });
    });
    stream.on('trailers', (_headers, _flags, raw: readonly string[] = []) => (rawTrailers = raw));
    stream.on('error', (error: NodeJS.ErrnoException) => reject(failureOf(error, stream.rstCode)));
    stream.on('close', () => {
      limit.ended();
      reject(new Http2Failure(`the request was reset (${resetName(stream.rstCode ?? 0)})`));
    });
    if (body instanceof Readable) {
      body.on('error', (error) => stream.destroy(error));
      body.pipe(stream);
    } else if (body !== undefined) stream.end(body);
  });
}

function failureOf(error: NodeJS.ErrnoException, rstCode: number | undefined): Error {
  switch (error.code) {
    case 'ERR_HTTP2_STREAM_ERROR':
      return new Http2Failure(`the request was reset (${resetName(rstCode ?? 0)})`);
    case 'ERR_HTTP2_ERROR':
    case 'ERR_HTTP2_SESSION_ERROR':
      return new Http2Failure('what answers does not speak HTTP/2');
    case undefined:
    default:
      return error;
  }
}

/** What speaks of the connection is HTTP/1.1's; HTTP/2 refuses it (RFC 9113, 8.2.2). */
const OF_THE_CONNECTION = new Set(['connection', 'host', 'keep-alive', 'transfer-encoding', 'upgrade']);

function headersOf({ method, path, host, headers, body }: MeshRequest): OutgoingHttpHeaders {
  const named = (name: string): string | undefined => headers.find(([one]) => one.toLowerCase() === name)?.[1];
  const result: OutgoingHttpHeaders = {
    ':method': method,
    ':path': path,
    ':scheme': 'http',
    ':authority': named('host') ?? host,
  };
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    if (OF_THE_CONNECTION.has(lower)) continue;
    const before = result[lower];
    result[lower] = before === undefined ? value : [...(Array.isArray(before) ? before : [String(before)]), value];
  }
  const isWhole = body !== undefined && !(body instanceof Readable);
  if (isWhole) result['content-length'] ??= String(Buffer.byteLength(body));
  return result;
}

function withoutPseudo(raw: readonly string[]): readonly string[] {
  return raw.filter((_, index) => !(raw[index - (index % 2)] ?? '').startsWith(':'));
}
