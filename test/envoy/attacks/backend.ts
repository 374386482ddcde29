import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';

/** A request as the application read it. */
export interface Heard {
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly trailers: readonly string[];
  readonly body: string;
}

/**
 * An application that speaks HTTP/1.1 and HTTP/2 on one port and keeps what it heard: requests as it understood them,
 * and of HTTP/1.1 every byte as it came, so that what it misunderstood is there as well.
 */
export interface Backend {
  readonly server: Server;
  readonly requests: readonly Heard[];
  /** All bytes of HTTP/1.1 connections, as latin1. */
  bytes(): string;
  last(): Heard;
  /** TCP connections that were opened. */
  connections(): number;
}

export function createBackend(): Backend {
  const requests: Heard[] = [];
  const sockets = new Set<Socket>();
  let bytes = '';
  let connections = 0;

  const answer = (request: IncomingMessage, response: ServerResponse, protocol: Heard['protocol']): void => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('error', () => undefined);
    request.on('end', () => {
      // HTTP/2 in Node also ends what was reset.
      if (request.aborted) return;
      const heard: Heard = {
        protocol,
        method: request.method ?? '',
        path: request.url ?? '',
        headers: pairs(request.rawHeaders),
        trailers: [...request.rawTrailers],
        body: body.length > 1000 ? `${body.length} bytes` : body,
      };
      requests.push(heard);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ path: heard.path, id: request.headers['x-id'] }));
    });
  };

  const http1 = createServer((request, response) => answer(request, response, 'HTTP/1.1'));
  // A misunderstanding is the attack: it is recorded, and answered as a lenient application would.
  http1.on('clientError', (_error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'));
  http1.on('upgrade', (request, socket) => {
    requests.push({
      protocol: 'HTTP/1.1',
      method: request.method ?? '',
      path: request.url ?? '',
      headers: pairs(request.rawHeaders),
      trailers: [],
      body: '',
    });
    socket.on('error', () => socket.destroy());
    if (request.url?.startsWith('/ws/refuse')) {
      // Keeps the connection and reads on, as applications without WebSocket do.
      socket.write('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    socket.on('data', (chunk: Buffer) => void socket.write(chunk));
    socket.on('end', () => socket.end());
  });
  const http2 = createHttp2Server((request, response) => {
    answer(request as unknown as IncomingMessage, response as unknown as ServerResponse, 'HTTP/2');
  });
  http2.on('sessionError', () => undefined);

  const server = createTcpServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    socket.once('data', (first: Buffer) => {
      socket.pause();
      if (first.toString('latin1').startsWith('PRI * HTTP/2')) {
        socket.unshift(first);
        http2.emit('connection', socket);
        return;
      }
      http1.emit('connection', socket);
      socket.on('data', (chunk: Buffer) => (bytes += chunk.toString('latin1')));
      socket.unshift(first);
      socket.resume();
    });
  });
  // As an HTTP server has it: the pod that owns the application ends it so.
  Object.assign(server, { closeAllConnections: () => sockets.forEach((socket) => socket.destroy()) });

  return {
    server,
    requests,
    bytes: () => bytes,
    last() {
      const last = requests.at(-1);
      if (!last) throw new Error('the application has heard nothing');
      return last;
    },
    connections: () => connections,
  };
}

const pairs = (raw: readonly string[]): (readonly [string, string])[] =>
  raw.flatMap((name, index) => (index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? ''] as const] : []));
