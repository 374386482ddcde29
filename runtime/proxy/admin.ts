import { request } from 'node:http';

/** What `/ready` of Envoy's admin says; `DOWN` when nobody answers. */
type EnvoyState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING' | 'DOWN';

/** Envoy's admin interface on its Unix socket. Every call rejects with AdminError when it is not answered with 200. */
export interface EnvoyAdmin {
  /** `path` with its query: `/stats?filter=^cluster`. */
  get(path: string): Promise<string>;
  getJson(path: string): Promise<unknown>;
  /** What changes something wants POST: `/drain_listeners`, `/healthcheck/fail`, `/logging`. */
  post(path: string): Promise<string>;
  /** Never rejects. */
  state(): Promise<EnvoyState>;
  /** Counters and gauges whose name matches a regular expression of RE2, by name. */
  stats(filter: string): Promise<ReadonlyMap<string, number>>;
}

class AdminError extends Error {
  override readonly name = 'AdminError';
  /** Undefined: no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.status = status;
  }
}

export function envoyAdmin(socketPath: string, timeoutMs = 5_000): EnvoyAdmin {
  const call = async (method: 'GET' | 'POST', path: string): Promise<string> => {
    const { status, body } = await exchange(socketPath, method, path, timeoutMs);
    if (status !== 200)
      throw new AdminError(`Envoy's admin answered ${method} ${path} with ${status}: ${body.trim()}`, status);
    return body;
  };
  return {
    get: (path) => call('GET', path),
    getJson: async (path) => JSON.parse(await call('GET', path)) as unknown,
    post: (path) => call('POST', path),
    async state() {
      try {
        // 503 with the state's name until it is LIVE.
        const { body } = await exchange(socketPath, 'GET', '/ready', timeoutMs);
        return parseState(body);
      } catch {
        return 'DOWN';
      }
    },
    async stats(filter) {
      const text = await call('GET', `/stats?filter=${encodeURIComponent(filter)}`);
      const numbers = [...text.matchAll(/^(.+): (\d+)$/gm)].map(
        ([, name, value]) => [name ?? '', Number(value)] as const,
      );
      return new Map(numbers);
    },
  };
}

function parseState(body: string): EnvoyState {
  const word = body.trim();
  return word === 'LIVE' || word === 'DRAINING' || word === 'PRE_INITIALIZING' || word === 'INITIALIZING'
    ? word
    : 'DOWN';
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  timeoutMs: number,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void =>
      reject(new AdminError(`Envoy's admin does not answer ${method} ${path}: ${cause.message}`, undefined, cause));
    const sent = request(
      { socketPath, method, path, headers: { host: 'admin' }, signal: AbortSignal.timeout(timeoutMs) },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', fail);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    sent.once('error', fail);
    sent.end();
  });
}
