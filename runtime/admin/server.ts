import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import {
  API_VERSION,
  type CertificateRequest,
  type Routes,
  type Running,
  type Settled,
  type WaypointName,
} from './api.ts';
import { SOCKET_PATH_LIMIT } from './state-folder.ts';

const BODY_LIMIT = 16 * 1024;
const LONGEST_WAIT_MS = 3_600_000;

export interface AdminServer {
  readonly socket: string;
  /** Ends open answers and takes the socket away. */
  close(): Promise<void>;
}

/** An answer that is not 200: what the client did wrong, or what cannot be had. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Serves `running` on a Unix socket that only its owner can open (0600, in a folder made 0700). A socket file that
 * nobody listens on is replaced; one that somebody does is an error.
 */
export async function serveAdmin(running: Running, socket: string): Promise<AdminServer> {
  if (Buffer.byteLength(socket) > SOCKET_PATH_LIMIT) {
    throw new Error(
      `the path of the admin socket is too long\n  expected  at most ${SOCKET_PATH_LIMIT} bytes\n  came      ${socket}\n` +
        '  next      name a shorter folder with --state or PORTOLAN_STATE',
    );
  }
  await mkdir(dirname(socket), { recursive: true, mode: 0o700 });
  if (await isListening(socket)) {
    throw new Error(
      `another portolan runs with this state folder\n  expected  nobody at ${socket}\n  came      a process that answers\n` +
        '  next      end that one, or give this one its own folder with --state',
    );
  }
  await rm(socket, { force: true });

  const server = createServer(
    { keepAliveTimeout: 1_000 },
    (request, response) => void answer(running, request, response),
  );
  await listen(server, socket);
  await chmod(socket, 0o600);
  return {
    socket,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
      await rm(socket, { force: true });
    },
  };
}

function listen(server: Server, socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isListening(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    const end = (listening: boolean): void => {
      probe.destroy();
      resolve(listening);
    };
    probe.once('connect', () => end(true)).once('error', () => end(false));
  });
}

async function answer(running: Running, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let status = 200;
  let body: object;
  try {
    body = await route(running, request);
  } catch (error) {
    status = error instanceof Refusal ? error.status : 500;
    body = { error: (error as Error).message };
  }
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify({ apiVersion: API_VERSION, ...body }));
}

async function route(running: Running, request: IncomingMessage): Promise<Routes[keyof Routes]> {
  const url = new URL(request.url ?? '/', 'http://admin');
  const method = request.method ?? 'GET';
  const expectMethod = (expected: string): void => {
    if (method !== expected) throw new Refusal(405, `${url.pathname} is asked with ${expected}; came ${method}`);
  };
  switch (url.pathname) {
    case '/status': {
      expectMethod('GET');
      const { findings, statuses } = running.world();
      const waypoints = running.waypoints();
      return { status: { process: running.process(), waypoints, proxies: running.proxies(), findings, statuses } };
    }
    case '/model':
      expectMethod('GET');
      return { world: running.world() };
    case '/programs': {
      expectMethod('GET');
      const { namespace, name } = waypointOf(url.searchParams.get('waypoint') ?? '');
      const programs = running.programs(namespace, name);
      if (programs === undefined) throw new Refusal(404, `there is no waypoint ${namespace}/${name} here`);
      return { programs };
    }
    case '/settled':
      expectMethod('GET');
      return { settled: await settled(running, url.searchParams) };
    case '/denials': {
      expectMethod('GET');
      const requestId = url.searchParams.get('id');
      const last = Number(url.searchParams.get('last') ?? '1');
      if (!Number.isInteger(last) || last < 1) throw new Refusal(400, `last is a whole number; came "${last}"`);
      return { denials: running.denials(requestId === null ? { last } : { requestId }) };
    }
    case '/certs':
      expectMethod('POST');
      return { certificate: await issue(running, await readJson(request)) };
    default:
      throw new Refusal(
        404,
        `expected one of /status, /model, /programs, /settled, /denials, /certs; came ${url.pathname}`,
      );
  }
}

function settled(running: Running, query: URLSearchParams): Promise<Settled> {
  const timeoutMs = waitOf(query.get('timeout'));
  const waypoint = query.get('waypoint');
  return waypoint === null ? running.settled(timeoutMs) : running.settled(timeoutMs, waypointOf(waypoint));
}

/** `namespace/name` */
function waypointOf(text: string): WaypointName {
  const [namespace = '', name = ''] = text.split('/');
  return { namespace, name };
}

/** Milliseconds of the query `timeout`. */
function waitOf(text: string | null): number {
  const wait = Number(text ?? '0');
  if (!Number.isFinite(wait) || wait < 0) throw new Refusal(400, `timeout is a number of milliseconds; came "${text}"`);
  return Math.min(wait, LONGEST_WAIT_MS);
}

async function issue(running: Running, body: unknown): Promise<Routes['/certs']['certificate']> {
  const { identity, ttlMs } = (body ?? {}) as Partial<CertificateRequest>;
  const isTtl = ttlMs === undefined || (typeof ttlMs === 'number' && ttlMs > 0);
  if (typeof identity !== 'string' || !isTtl) {
    throw new Refusal(400, 'expected {"identity": "spiffe://…", "ttlMs": 3600000}');
  }
  try {
    return await running.issue(ttlMs === undefined ? { identity } : { identity, ttlMs });
  } catch (error) {
    throw new Refusal(409, (error as Error).message);
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk as string;
    if (text.length > BODY_LIMIT) throw new Refusal(413, `a request body has at most ${BODY_LIMIT} bytes`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}
