import { request } from 'node:http';
import { Readable } from 'node:stream';
import { TunnelAgent } from '#hbone/agent.ts';
import type { HboneClient, TunnelRequest } from '#hbone/client.ts';
import type { MeshAnswer, MeshConnection, MeshRequest } from '../request.ts';
import { deadline } from './deadline.ts';

/** HTTP/1.1 inside tunnels, which are kept for the next request as an application keeps its connections. */
export function openHttp1(client: HboneClient, tunnel: TunnelRequest): Pick<MeshConnection, 'begin' | 'close'> {
  const agent = new TunnelAgent(client, tunnel);
  return { begin: (wanted) => begin(agent, wanted), close: () => agent.destroy() };
}

function begin(agent: TunnelAgent, wanted: MeshRequest): Promise<MeshAnswer> {
  const { method, path, host, headers, body } = wanted;
  return new Promise((resolve, reject) => {
    let end = (error: Error): void => void call.destroy(error);
    const limit = deadline(wanted, (error) => end(error));
    const call = request({ agent, method, path, setHost: false }, (response) => {
      limit.answered();
      end = (error) => void response.destroy(error);
      response.on('close', () => limit.ended());
      resolve({
        version: 'HTTP/1.1',
        status: response.statusCode ?? 0,
        statusText: response.statusMessage ?? '',
        headers: response.headers,
        rawHeaders: response.rawHeaders,
        body: response,
        trailers: () => response.rawTrailers,
      });
    });
    call.on('error', (error) => {
      limit.ended();
      reject(error);
    });
    if (!headers.some(([name]) => name.toLowerCase() === 'host')) call.setHeader('host', host);
    for (const [name, value] of headers) call.appendHeader(name, value);
    if (!(body instanceof Readable)) {
      if (body !== undefined) call.setHeader('content-length', Buffer.byteLength(body));
      call.end(body);
      return;
    }
    // Methods that usually have no body get none of Node's framing by themselves.
    if (!call.hasHeader('content-length')) call.setHeader('transfer-encoding', 'chunked');
    // The first byte may take long, and the answer may not wait for it.
    call.flushHeaders();
    body.on('error', (error) => call.destroy(error));
    body.pipe(call);
  });
}
