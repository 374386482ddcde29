import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Running, Settled } from './api.ts';
import { AdminRefusal, adminClient, NotRunning } from './client.ts';
import { serveAdmin } from './server.ts';
import { adminSocket, stateFolder } from './state-folder.ts';

/** A process that runs one waypoint; the parts that a test cares for are replaced. */
function running(changes: Partial<Running> = {}): Running {
  const identity = 'spiffe://cluster.local/ns/app/sa/wp';
  return {
    process: () => ({
      version: '1.2.3',
      pid: 7,
      startedAt: '2026-01-02T03:04:05.000Z',
      paths: ['mesh/'],
      revision: 1,
      pathNormalization: 'BASE',
    }),
    world: () => ({ model: { waypoints: [], ingresses: [] }, findings: [], statuses: [] }),
    waypoints: () => [
      {
        namespace: 'app',
        name: 'wp',
        address: { host: '127.0.0.1', port: 15008 },
        identity,
        trustDomain: 'cluster.local',
      },
    ],
    proxies: () => [],
    programs: (namespace, name) =>
      `${namespace}/${name}` === 'app/wp' ? [{ name: 'authz/x:80', text: 'deny\n' }] : undefined,
    settled: async () => ({ settled: true, waitedMs: 3, proxies: 1 }),
    denials: () => [],
    issue: async (wanted) => ({
      identity: wanted.identity,
      certificate: 'C',
      key: 'K',
      roots: 'R',
      notAfter: '2026-01-02T03:04:05.000Z',
      serial: '01',
    }),
    ...changes,
  };
}

let folder: string;
let socket: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-admin-'));
  socket = adminSocket(join(folder, 'state'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function serving(changes: Partial<Running>, use: () => Promise<void>): Promise<void> {
  const server = await serveAdmin(running(changes), socket);
  try {
    await use();
  } finally {
    await server.close();
  }
}

const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

describe('the admin socket', () => {
  it('answers what a verb asks', async () => {
    await serving({}, async () => {
      const client = adminClient(socket);
      expect(await client.status()).toMatchObject({
        process: { pid: 7, pathNormalization: 'BASE' },
        waypoints: [{ name: 'wp' }],
        proxies: [],
      });
      expect(await client.world()).toEqual({ model: { waypoints: [], ingresses: [] }, findings: [], statuses: [] });
      expect(await client.programs('app', 'wp')).toEqual([{ name: 'authz/x:80', text: 'deny\n' }]);
      expect(await client.issue({ identity: 'spiffe://cluster.local/ns/a/sa/b', ttlMs: 1000 })).toMatchObject({
        key: 'K',
      });
    });
  });

  it('is for its owner alone, and is gone when it ends', async () => {
    await serving({}, async () => {
      expect(await mode(socket)).toBe('600');
      expect(await mode(join(folder, 'state'))).toBe('700');
    });
    await expect(stat(socket)).rejects.toThrow('ENOENT');
    await expect(adminClient(socket).status()).rejects.toBeInstanceOf(NotRunning);
  });

  it('waits as long as it is told, and passes on what is missing', async () => {
    let asked: readonly unknown[] = [];
    const settled = async (...asking: Parameters<Running['settled']>): Promise<Settled> => {
      const [timeoutMs] = (asked = asking);
      return { settled: false, waitedMs: timeoutMs, missing: ['app/wp: no Envoy is connected'] };
    };
    await serving({ settled }, async () => {
      const result = await adminClient(socket).settled(120);
      expect(asked).toEqual([120]);
      expect(result).toEqual({ settled: false, waitedMs: 120, missing: ['app/wp: no Envoy is connected'] });
      await adminClient(socket).settled(50, { namespace: 'app', name: 'wp' });
      expect(asked).toEqual([50, { namespace: 'app', name: 'wp' }]);
    });
  });

  it('ends open answers when it closes', async () => {
    const server = await serveAdmin(running({ settled: () => new Promise(() => undefined) }), socket);
    const waiting = adminClient(socket).settled(60_000);
    const ended = expect(waiting).rejects.toBeInstanceOf(NotRunning);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.close();
    await ended;
  });

  it('refuses in words', async () => {
    const issue = (): never => {
      throw new Error('this authority issues spiffe://cluster.local/… alone');
    };
    await serving({ issue }, async () => {
      const client = adminClient(socket);
      await expect(client.programs('app', 'other')).rejects.toThrow('there is no waypoint app/other here');
      await expect(client.issue({ identity: 'x' })).rejects.toThrow('this authority issues');
      await expect(client.settled(-1)).rejects.toBeInstanceOf(AdminRefusal);
    });
  });

  it.each([
    ['GET', '/nothing', '', 404],
    ['POST', '/status', '', 405],
    ['GET', '/certs', '', 405],
    ['POST', '/certs', 'no json', 400],
    ['POST', '/certs', '{"identity": 7}', 400],
    ['POST', '/certs', '{"identity": "a", "ttlMs": -1}', 400],
    ['POST', '/certs', `"${'x'.repeat(20_000)}"`, 413],
  ])('%s %s %.20s: %i', async (method, path, body, status) => {
    await serving({}, async () => {
      const came = await new Promise<{ status: number; text: string }>((resolve, reject) => {
        const call = request({ socketPath: socket, method, path }, (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (part: string) => (text += part));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        });
        call.on('error', reject).end(body);
      });
      expect(came.status).toBe(status);
      expect(JSON.parse(came.text)).toEqual({ apiVersion: 'portolan.dev/v1', error: expect.any(String) as string });
    });
  });

  it('takes over a socket that nobody listens on, and leaves one that somebody does', async () => {
    await serving({}, async () => {
      await expect(serveAdmin(running(), socket)).rejects.toThrow('another portolan runs with this state folder');
      expect((await adminClient(socket).status()).process.pid).toBe(7);
    });
    await writeFile(socket, '');
    await serving({}, async () => {
      expect((await adminClient(socket).status()).process.pid).toBe(7);
    });
  });

  it('says when a path is too long for a socket, instead of binding another one', async () => {
    const long = join(folder, 'x'.repeat(120), 'admin.sock');
    await expect(serveAdmin(running(), long)).rejects.toThrow('the path of the admin socket is too long');
  });

  it('is not believed when it speaks another version', async () => {
    const other = createServer((_, response) => response.end('{"apiVersion":"portolan.dev/v9","status":{}}'));
    const path = join(folder, 'other.sock');
    await new Promise<void>((resolve) => other.listen(path, resolve));
    await expect(adminClient(path).status()).rejects.toThrow('the running portolan speaks portolan.dev/v9');
    await new Promise((resolve) => other.close(resolve));
  });
});

describe('the state folder', () => {
  it('is chosen by the environment', () => {
    expect(stateFolder({ PORTOLAN_STATE: '/a', XDG_RUNTIME_DIR: '/b' })).toBe('/a');
    expect(stateFolder({ XDG_RUNTIME_DIR: '/b' })).toBe('/b/portolan');
    expect(stateFolder({})).toMatch(/\.cache\/portolan\/run$/);
  });
});
