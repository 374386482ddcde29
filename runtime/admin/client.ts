import { request } from 'node:http';
import {
  API_VERSION,
  type CertificateRequest,
  type Denial,
  type DenialQuery,
  type IssuedCertificate,
  type ProgramText,
  type Routes,
  type Settled,
  type Status,
  type WaypointName,
  type World,
} from './api.ts';

/** Nobody answers at the socket: no `portolan run` with this state folder. */
export class NotRunning extends Error {
  readonly socket: string;

  constructor(socket: string, cause: unknown) {
    super(`nothing answers at ${socket}`, { cause });
    this.socket = socket;
  }
}

/** The process answered, and refused. */
export class AdminRefusal extends Error {}

/** Asks a running process over its admin socket. Every call may reject with `NotRunning` or `AdminRefusal`. */
export interface AdminClient {
  status(): Promise<Status>;
  world(): Promise<World>;
  programs(namespace: string, name: string): Promise<readonly ProgramText[]>;
  settled(timeoutMs: number, waypoint?: WaypointName): Promise<Settled>;
  denials(query: DenialQuery): Promise<readonly Denial[]>;
  issue(request: CertificateRequest): Promise<IssuedCertificate>;
}

export function adminClient(socket: string): AdminClient {
  const get = <P extends keyof Routes>(path: P, query = '', patienceMs = 10_000): Promise<Routes[P]> =>
    ask(socket, 'GET', path, query, patienceMs);
  return {
    status: async () => (await get('/status')).status,
    world: async () => (await get('/model')).world,
    programs: async (namespace, name) => (await get('/programs', `?waypoint=${queryOf({ namespace, name })}`)).programs,
    async settled(timeoutMs, waypoint) {
      const only = waypoint === undefined ? '' : `&waypoint=${queryOf(waypoint)}`;
      return (await get('/settled', `?timeout=${timeoutMs}${only}`, timeoutMs + 10_000)).settled;
    },
    denials: async (query) => {
      const asked = 'last' in query ? `?last=${query.last}` : `?id=${encodeURIComponent(query.requestId)}`;
      return (await get('/denials', asked)).denials;
    },
    issue: async (wanted) => (await ask(socket, 'POST', '/certs', '', 10_000, wanted)).certificate,
  };
}

const queryOf = ({ namespace, name }: WaypointName): string => encodeURIComponent(`${namespace}/${name}`);

async function ask<P extends keyof Routes>(
  socketPath: string,
  method: string,
  path: P,
  query: string,
  patienceMs: number,
  body?: object,
): Promise<Routes[P]> {
  const { status, text } = await exchange(socketPath, method, path + query, patienceMs, body);
  let answer: { readonly apiVersion?: unknown; readonly error?: unknown };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw new AdminRefusal(
      `expected JSON of ${API_VERSION} from ${socketPath}; came something else (status ${status})`,
    );
  }
  if (answer.apiVersion !== API_VERSION) {
    throw new AdminRefusal(
      `the running portolan speaks ${String(answer.apiVersion)}, this one ${API_VERSION}: start both from one version`,
    );
  }
  if (status !== 200) throw new AdminRefusal(String(answer.error));
  return answer as Routes[P];
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  patienceMs: number,
  body?: object,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const call = request({ socketPath, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    call.setTimeout(patienceMs, () =>
      call.destroy(new AdminRefusal(`no answer from ${socketPath} in ${patienceMs} ms`)),
    );
    call.on('error', (error: NodeJS.ErrnoException) => {
      const absent = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.code ?? '');
      reject(absent ? new NotRunning(socketPath, error) : error);
    });
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
