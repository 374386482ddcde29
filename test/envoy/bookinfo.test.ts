import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, type Bundle } from '../bundle.ts';

// What a new user types, as processes: the demonstration, and every verb against it while it runs.

const folder = mkdtempSync(join(tmpdir(), 'portolan-bookinfo-'));
const state = join(folder, 'state');
const mesh = join(import.meta.dirname, '../../examples/bookinfo/mesh');

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

let built: Bundle;
let running: ChildProcess;
let said = '';

function portolan(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [built.path, ...args], {
      env: { ...process.env, PORTOLAN_STATE: state },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    child.on('error', reject).on('close', (status) => resolve({ status, out, err }));
  });
}

const curl = (as: string, url: string, ...flags: readonly string[]): Promise<Ended> =>
  portolan('curl', '--as', as, url, ...flags);

const PRODUCTPAGE = 'http://productpage.bookinfo:9080/productpage';
const REVIEWS = 'http://reviews.bookinfo:9080/reviews/0';

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    else child.on('exit', (code) => resolve(code));
  });
}

const isOpen = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect({ host, port });
    const end = (open: boolean): void => {
      probe.destroy();
      resolve(open);
    };
    probe.once('connect', () => end(true)).once('error', () => end(false));
  });

beforeAll(async () => {
  built = await bundle();
  running = spawn(process.execPath, [built.path, 'run', '--demo', '--state', state], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [running.stdout, running.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (said += text));
  }
  const until = Date.now() + 60_000;
  while (!said.includes('Try next')) {
    if (running.exitCode !== null || Date.now() > until) throw new Error(`the demonstration did not run:\n${said}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}, 120_000);

afterAll(async () => {
  running.kill('SIGKILL');
  await ended(running);
  built.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe('the demonstration', () => {
  it('shows what is documented', () => {
    expect(said).not.toContain('not as documented');
    for (const part of ['200 OK', '403 Forbidden', 'bookinfo/productpage-waypoint rule[0]', 'fault filter abort']) {
      expect(said).toContain(part);
    }
    expect(said).toMatch(
      /reviews-v1 +█+.* 9\d(\.\d)?% {2}configured 90%|reviews-v1 +█+.* 8\d(\.\d)?% {2}configured 90%/,
    );
    expect(said).toMatch(/istio_requests_total\{reporter="waypoint",.*response_code="403",…\} \d+/);
  });
});

describe('verbs against a running portolan', () => {
  it('wait returns at once when everything is accepted', async () => {
    expect(await portolan('wait')).toMatchObject({
      status: 0,
      out: '',
      err: expect.stringContaining('accepted by 1 proxy') as string,
    });
    expect(JSON.parse((await portolan('wait', '--json')).out)).toMatchObject({ settled: true, proxies: 1 });
  });

  it('status shows the waypoint in sync', async () => {
    const { status, out } = await portolan('status');
    expect(status).toBe(0);
    expect(out).toMatch(/^bookinfo +waypoint +1\/1 +7 svc +2 +6 +in sync +127\.0\.0\.1:\d+/m);
    expect(JSON.parse((await portolan('status', '--json')).out)).toMatchObject({
      apiVersion: 'portolan.dev/v1',
      waypoints: [{ namespace: 'bookinfo', name: 'waypoint' }],
      proxies: [{ waypoint: 'bookinfo/waypoint', rejections: [] }],
    });
  });

  it('curl gives the body on standard output and the reason on standard error', async () => {
    const { status, out, err } = await curl('default/curl', PRODUCTPAGE);
    expect(status).toBe(0);
    expect(out).toContain('The Comedy of Errors');
    expect(err).toContain('as spiffe://cluster.local/ns/default/sa/curl');
    expect(err).toContain('< 200 OK');
    expect(err).toContain('policy bookinfo/productpage-waypoint rule[0]');
  });

  it('curl shows a denial with the rule that nearly allowed it, and can fail on it', async () => {
    const denied = await curl('default/curl', PRODUCTPAGE, '-X', 'POST');
    expect(denied).toMatchObject({ status: 0, out: 'RBAC: access denied' });
    expect(denied.err).toContain(
      'nearest bookinfo/productpage-waypoint rule[0] misses to[0].methods: needs "GET", came "POST"',
    );
    expect(await curl('default/curl', PRODUCTPAGE, '-d', 'x=1', '--fail', '-s')).toEqual({
      status: 1,
      out: '',
      err: '',
    });
  });

  it('curl prints headers, JSON and files when asked', async () => {
    expect((await curl('bookinfo/productpage', REVIEWS, '-i')).out).toMatch(/^HTTP\/1\.1 200 OK\n[^]*\n\n\{"id":0/);
    expect(JSON.parse((await curl('bookinfo/productpage', REVIEWS, '--json')).out)).toMatchObject({
      status: 200,
      authority: '10.96.1.30:9080',
      explanation: { decision: 'ALLOW', authz: { decidedBy: { name: 'reviews' } } },
    });
    const file = join(folder, 'body');
    expect(await curl('bookinfo/productpage', REVIEWS, '-o', file, '-q')).toEqual({ status: 0, out: '', err: '' });
    expect(readFileSync(file, 'utf8')).toContain('An extremely entertaining play.');
  });

  it('curl reaches any waypoint with certificates from files, and trusts nobody else', async () => {
    const { waypoints } = JSON.parse((await portolan('status', '--json')).out) as {
      waypoints: readonly [{ address: { host: string; port: number } }];
    };
    const { host, port } = waypoints[0].address;
    const issue = (name: string, where: readonly string[]): Promise<Ended> =>
      portolan('certs', 'issue', 'default/curl', '--out', join(folder, name), ...where);
    expect((await issue('own', [])).status).toBe(0);
    const files = (name: string, roots: string): readonly string[] => [
      '--cert',
      join(folder, name, 'tls.crt'),
      '--key',
      join(folder, name, 'tls.key'),
      '--root',
      join(folder, roots, 'ca.crt'),
    ];
    const byHand = (address: string, given: readonly string[]): Promise<Ended> =>
      portolan('curl', '--waypoint', `${host}:${port}`, ...given, `http://${address}/productpage`);

    const good = await byHand('10.96.1.10:9080', files('own', 'own'));
    expect(good.status).toBe(0);
    expect(good.out).toContain('The Comedy of Errors');
    expect(await byHand('10.96.1.99:9080', files('own', 'own'))).toMatchObject({ status: 69, out: '' });

    const stranger = mkdtempSync(join(tmpdir(), 'portolan-other-ca-'));
    const other = spawn(
      process.execPath,
      [built.path, '--state', stranger, 'certs', 'issue', 'default/curl', '--out', join(folder, 'other')],
      { stdio: 'ignore' },
    );
    expect(await ended(other)).toBe(0);
    rmSync(stranger, { recursive: true });
    expect(await byHand('10.96.1.10:9080', files('other', 'own'))).toMatchObject({ status: 77, out: '' });
    expect(await byHand('10.96.1.10:9080', files('own', 'other'))).toMatchObject({ status: 77, out: '' });
  });

  it('explain agrees with what Envoy does', async () => {
    for (const [as, method, url] of [
      ['default/curl', 'GET', PRODUCTPAGE],
      ['default/curl', 'DELETE', PRODUCTPAGE],
      ['bookinfo/ratings', 'GET', REVIEWS],
      ['bookinfo/productpage', 'GET', REVIEWS],
      ['bookinfo/productpage', 'GET', 'http://reviews-v1.bookinfo:9080/reviews/0'],
      ['default/curl', 'GET', 'http://productpage.bookinfo:9080/admin'],
      ['default/curl', 'GET', 'http://productpage.bookinfo:9080/%61dmin'],
      ['default/curl', 'GET', 'http://productpage.bookinfo:9080//admin'],
      ['default/curl', 'GET', 'http://productpage.bookinfo:9080/x/%2e%2e/admin'],
      ['default/curl', 'GET', 'http://productpage.bookinfo:9080/%2fadmin'],
      ['default/curl', 'GET', 'http://productpage.bookinfo:9080/ADMIN'],
    ] as const) {
      const { status } = JSON.parse((await curl(as, url, '-X', method, '--json')).out) as { status: number };
      const expected = status === 403 || status === 400 ? 'deny' : 'allow';
      const explained = await portolan('explain', '--as', as, method, url, '--expect', expected);
      expect(explained, `${as} ${method} ${url}`).toMatchObject({ status: 0, err: '' });
    }
  });

  it('translate and certs list show what runs', async () => {
    expect((await portolan('translate', 'bookinfo/waypoint', '-o', 'programs')).out).toContain('bookinfo/no-admin');
    expect((await portolan('certs', 'list')).out).toContain('spiffe://cluster.local/ns/bookinfo/sa/waypoint');
  });
});

describe('the end', () => {
  it('by Ctrl-C leaves nothing behind', async () => {
    const { waypoints } = JSON.parse((await portolan('status', '--json')).out) as {
      waypoints: readonly [{ address: { host: string; port: number } }];
    };
    const { host, port } = waypoints[0].address;
    expect(await isOpen(host, port)).toBe(true);
    running.kill('SIGINT');
    expect(await ended(running)).toBe(0);
    expect(await isOpen(host, port)).toBe(false);
    for (const last of [10, 20, 31, 32, 33, 40]) expect(await isOpen(`127.0.1.${last}`, 15008)).toBe(false);
    expect(existsSync(join(state, 'admin.sock'))).toBe(false);
    expect((await portolan('status')).status).toBe(69);
  });
});

describe('files that say something else', () => {
  it('are noticed by check, with place and effect', async () => {
    const copy = join(folder, 'mesh');
    cpSync(mesh, copy, { recursive: true });
    const routes = join(copy, 'routes.yaml');
    writeFileSync(routes, readFileSync(routes, 'utf8').replace('name: reviews-v2', 'name: reviews-v9'));
    const { status, out } = await portolan('check', copy);
    expect(status).toBe(1);
    expect(out).toMatch(/^error PTL1204: .*reviews-v9/m);
    expect(out).toMatch(/^ {2}at {8}\S+routes\.yaml:\d+:\d+ {2}HTTPRoute bookinfo\/reviews/m);
    expect(out).toMatch(/^ {2}effect {4}/m);
  });
});
