import { existsSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { bootstrap, type BootstrapOptions } from '#proxy/bootstrap.ts';
import { findEnvoy, type EnvoyBinary } from '#proxy/find.ts';
import { validate } from '#proxy/launch.ts';
import type { LogLine } from '#proxy/log-line.ts';
import { isAlive, startTime } from '#proxy/process.ts';
import { envoyFiles, prepare, type EnvoyFiles } from '#proxy/state.ts';
import { supervise, type Supervisor, type SupervisorEvent } from '#proxy/supervise.ts';
import { serveFixedAds, type FixedAds } from './fixed-ads.ts';
import { freePort } from './free-port.ts';

describe('a supervised Envoy', () => {
  let folder: string;
  let files: EnvoyFiles;
  let binary: EnvoyBinary;
  let ads: FixedAds;
  let port: number;
  const events: SupervisorEvent[] = [];
  const lines: LogLine[] = [];
  const running: Supervisor[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'proxy-'));
    files = envoyFiles(join(folder, 'envoy'));
    binary = await findEnvoy();
    ads = await serveFixedAds(join(folder, 'xds.sock'));
    port = await freePort();
    events.length = 0;
    lines.length = 0;
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((one) => one.stop({ drainMs: 0 })));
    await ads.close();
    await rm(folder, { recursive: true });
  });

  const options = (changes: Partial<BootstrapOptions> = {}): BootstrapOptions => ({
    namespace: 'bookinfo',
    name: 'waypoint',
    instance: 'test',
    xdsSocket: join(folder, 'xds.sock'),
    adminSocket: files.adminSocket,
    prometheus: { address: '127.0.0.1', port },
    maxHeapBytes: 1 << 30,
    statsTags: [{ tagName: 'source_workload', regex: '(source_workload=\\.=(.*?);\\.;)' }],
    statsMatcher: {
      statsMatcher: {
        case: 'exclusionList',
        value: { patterns: [{ matchPattern: { case: 'prefix', value: 'vhost.' } }] },
      },
    },
    ...changes,
  });
  const begin = async (changes: Partial<BootstrapOptions> = {}): Promise<Supervisor> => {
    const supervisor = await supervise({
      folder: files.folder,
      binary,
      bootstrap: bootstrap(options(changes)),
      concurrency: 1,
      onLog: (line) => lines.push(line),
      onEvent: (event) => events.push(event),
    });
    running.push(supervisor);
    return supervisor;
  };
  const page = (path: string, method = 'GET') =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path, method, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      });
      sent.on('error', reject).end();
    });

  it('accepts our bootstrap in validate mode, and a wrong one is reported in its words', async () => {
    await prepare(files);
    await validate(files, { binary, bootstrap: bootstrap(options()) });
    const broken = bootstrap(options({ statsTags: [{ tagName: 'x', regex: '(' }] }));
    await expect(validate(files, { binary, bootstrap: broken })).rejects.toThrow(
      /Envoy refuses its bootstrap[^]*mismatched \(/,
    );
  });

  it('becomes LIVE with what the xDS server sends, and stops without a trace', async () => {
    const before = readdirSync('/dev/shm');
    const supervisor = await begin();
    await supervisor.ready();
    expect((await stat(files.adminSocket)).mode & 0o777).toBe(0o600);
    expect((await stat(files.folder)).mode & 0o777).toBe(0o700);
    const info = (await supervisor.admin.getJson('/server_info')) as { node: { id: string } };
    expect(info.node.id).toBe('waypoint~bookinfo/waypoint~test');
    expect((await supervisor.admin.stats('^control_plane.connected_state$')).get('control_plane.connected_state')).toBe(
      1,
    );
    // Envoy's log is a file that is followed, so its lines come a moment later.
    await vi.waitFor(
      () => expect(lines.some(({ level, logger }) => level === 'info' && logger === 'main')).toBe(true),
      5_000,
    );
    expect(lines.filter(({ level }) => level === 'error' || level === 'critical')).toEqual([]);
    // Envoy warns of what a hardened configuration should have, such as a limit of connections.
    expect(lines.filter(({ level }) => level === 'warning')).toEqual([]);
    const pid = supervisor.pid();
    await supervisor.stop({ drainMs: 1_000 });
    expect(await isAlive(pid, undefined)).toBe(false);
    expect(existsSync(files.folder)).toBe(false);
    expect(readdirSync('/dev/shm').filter((name) => !before.includes(name) && name.includes(String(pid)))).toEqual([]);
  });

  it('shows two pages of its admin interface to the network, and nothing else', async () => {
    const supervisor = await begin();
    await supervisor.ready();
    expect((await page('/stats/prometheus')).body).toContain('envoy_server_live{} 1');
    expect(await page('/ready')).toEqual({ status: 200, body: 'LIVE\n' });
    for (const path of [
      '/',
      '/config_dump',
      '/quitquitquit',
      '/stats',
      '/ready/',
      '/stats/prometheus/../../config_dump',
      '//ready',
    ]) {
      expect([path, (await page(path)).status]).toEqual([path, 404]);
    }
    expect((await page('/ready', 'POST')).status).toBe(404);
    expect((await page('/quitquitquit', 'POST')).status).toBe(404);
  });

  it('is started again after a crash, and more slowly each time', async () => {
    const supervisor = await begin();
    await supervisor.ready();
    for (const [round, delay] of [100, 200, 400].entries()) {
      const pid = supervisor.pid();
      process.kill(pid, 'SIGKILL');
      await vi.waitFor(() => expect(events.filter(({ kind }) => kind === 'started')).toHaveLength(round + 2), 10_000);
      await supervisor.ready();
      expect(supervisor.pid()).not.toBe(pid);
      const crash = events.findLast(({ kind }) => kind === 'crashed');
      expect(crash).toEqual({ kind: 'crashed', pid, reason: 'signal SIGKILL', restartInMs: delay });
    }
  });

  it('is adopted by a later run without a restart, and connections stay', async () => {
    const first = await begin();
    await first.ready();
    const connection = connect(port, '127.0.0.1');
    connection.setEncoding('utf8');
    let received = '';
    connection.on('data', (chunk: string) => (received += chunk));
    const ask = async () => {
      received = '';
      connection.write('GET /ready HTTP/1.1\r\nhost: a\r\n\r\n');
      await vi.waitFor(() => expect(received).toContain('LIVE'), 5_000);
    };
    await ask();
    await first.leave();
    const second = await begin();
    expect(second.pid()).toBe(first.pid());
    expect(events.at(-1)).toEqual({ kind: 'adopted', pid: first.pid() });
    await ask();
    expect(connection.closed).toBe(false);
    connection.destroy();
    // The adopted one is looked after like a child of our own.
    process.kill(second.pid(), 'SIGKILL');
    await vi.waitFor(() => expect(events.at(-1)?.kind).toBe('started'), 10_000);
    await second.ready();
  });

  it('is replaced when a later run wants it otherwise', async () => {
    const first = await begin();
    await first.ready();
    const old = { pid: first.pid(), started: await startTime(first.pid()) };
    await first.leave();
    const second = await begin({ maxHeapBytes: 2 ** 31 });
    expect(events.map(({ kind }) => kind)).toEqual(['started', 'replacing', 'started']);
    expect(await isAlive(old.pid, old.started)).toBe(false);
    await second.ready();
  });

  it('is not taken from a supervisor that is alive', async () => {
    await mkdir(files.folder, { recursive: true });
    const alive = { pid: process.ppid, started: await startTime(process.ppid) };
    await writeFile(files.record, JSON.stringify({ envoy: alive, supervisor: alive, fingerprint: '' }));
    await expect(begin()).rejects.toThrow('another portolan runs with this state folder');
    // The same process id at another time is another process.
    const reused = { pid: process.ppid, started: '1' };
    await writeFile(files.record, JSON.stringify({ envoy: reused, supervisor: reused, fingerprint: '' }));
    await (await begin()).ready();
  });

  it('says why it does not start', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    await expect(begin()).rejects.toThrow(/Envoy does not start[^]*came {6}.*[Aa]ddress/);
    expect(existsSync(files.folder)).toBe(false);
    await new Promise((resolve) => taken.close(resolve));
  });

  it('is not ready without an xDS server, however long it waits', async () => {
    const supervisor = await begin({ xdsSocket: join(folder, 'nobody.sock') });
    await expect(supervisor.ready(1_500)).rejects.toThrow(/was not ready[^]*came {6}state (PRE_)?INITIALIZING/);
  });

  it('drains: an open request may end, new connections are refused', async () => {
    const supervisor = await begin();
    await supervisor.ready();
    const connection = connect(port, '127.0.0.1');
    let received = '';
    connection.on('data', (chunk: Buffer) => (received += chunk.toString()));
    // A body that is not complete keeps the request open.
    connection.write('GET /ready HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx');
    await vi.waitFor(async () => {
      const stats = await supervisor.admin.stats('http.prometheus.downstream_rq_active');
      expect([...stats.values()]).toContain(1);
    }, 5_000);
    const stopped = supervisor.stop({ drainMs: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await isAlive(supervisor.pid(), undefined)).toBe(true);
    connection.write('y');
    await vi.waitFor(() => expect(received).toContain('200 OK'), 5_000);
    await stopped;
    connection.destroy();
    await expect(page('/ready')).rejects.toThrow('ECONNREFUSED');
  });
});
