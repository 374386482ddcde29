import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture } from '#cli/capture.ts';
import { main } from '#cli/main.ts';
import { documents, gateway, NAMESPACE, pod, policy, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

// `portolan curl` against a waypoint that runs: both versions of HTTP, and bodies that come and go in pieces.

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.23.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.33.1' }),
  service({ name: 'greeter', ip: '10.96.23.11', port: 9090, portName: 'grpc' }),
  pod({ name: 'greeter-1', app: 'greeter', ip: '127.0.33.2', labels: { 'test/h2c': 'true' } }),
  ...['web', 'greeter'].map((name) => policy(name, name, 'DENY', '[{to: [{operation: {paths: ["/denied"]}}]}]')),
  service({ name: 'db', ip: '10.96.23.12', port: 5432, portName: 'tcp-db' }),
  pod({ name: 'db-1', app: 'db', ip: '127.0.33.3', labels: { 'test/tcp': 'true' } }),
);

/** The same to an application of each version. */
const VERSIONS = [
  { more: [], service: 'web.shop', pod: 'web-1' },
  { more: ['--http2'], service: 'greeter.shop:9090', pod: 'greeter-1' },
];

describe('portolan curl', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-curl-'));
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh({ 'mesh.yaml': BASE });
  });
  afterAll(async () => {
    await mesh?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function begin(args: readonly string[], input = '') {
    const screen = capture(input, { PORTOLAN_STATE: mesh.state });
    const exit = main(['curl', '--as', 'default/sleep', ...args], screen.terminal);
    return { ...screen, exit };
  }
  async function curl(...args: readonly string[]): Promise<{ exit: number; out: string; err: string }> {
    const { exit, out, err } = begin(args);
    return { exit: await exit, out: out(), err: err() };
  }

  it('speaks HTTP/2, which the waypoint passes on as it is', async () => {
    const url = 'http://greeter.shop:9090/two';
    const { exit, out, err } = await curl(
      '--http2',
      '-i',
      url,
      '-H',
      'x-a: 1',
      '-H',
      'X-A: 2',
      '-H',
      'connection: close',
    );
    expect(exit).toBe(0);
    expect(out).toMatch(/^HTTP\/2 200\n(?:[\w-]+: .*\n)+\n\{"pod":"greeter-1"/);
    expect(out).not.toContain(':status');
    expect(err).toContain('via shop/waypoint (HBONE, HTTP/2)  < 200');
    expect(mesh.pod('greeter-1').seen.at(-1)).toMatchObject({
      path: '/two',
      headers: { ':authority': 'greeter.shop:9090', 'x-a': '1, 2' },
    });
    // An application that knows HTTP/1.1 alone is not spoken to in another tongue than its caller's.
    const { out: answer } = await curl('--http2', '-i', 'http://web.shop/');
    expect(answer).toMatch(/^HTTP\/2 50[23]\n/);
  });

  it('shows the trailers of gRPC, and reddens the line when they say that it failed', async () => {
    const url = 'http://greeter.shop:9090/greet.Greeter/SayHello';
    const good = await curl('--http2', '-i', '-H', 'te: trailers', '-d', 'xx', url);
    expect(good.out).toMatch(/\}grpc-status: 0\n$/);
    expect(good.err).toContain('< 200 grpc-status 0 ');
    expect(mesh.pod('greeter-1').seen.at(-1)).toMatchObject({ method: 'POST', body: 2 });
    const bad = await curl('--http2', '--json', '-H', 'want-status: 7', url);
    expect(JSON.parse(bad.out)).toMatchObject({ version: 'HTTP/2', status: 200, trailers: [['grpc-status', '7']] });
  });

  it.each(VERSIONS)('prints what comes when it comes ($service)', async ({ more, service: host }) => {
    const { exit, out, err } = begin([...more, '-N', `http://${host}/events/4`]);
    while (out() === '') await wait(10);
    expect(out()).toBe('data: 1\n\n');
    expect(err()).toBe('');
    expect(await exit).toBe(0);
    expect(out()).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n');
    expect(err()).toContain('< 200');
  });

  it.each(VERSIONS)(
    'ends a stream when its time is up, and keeps what came ($service)',
    async ({ more, service: host }) => {
      const { exit, out, err } = await curl(...more, '-m', '0.35', `http://${host}/events/1000`);
      expect(exit).toBe(75);
      expect(out).toMatch(/^data: 1\n\n/);
      expect(err).toContain('the answer did not end within 350 ms');
    },
  );

  it.each(VERSIONS)(
    'sends files and standard input as they are read ($service)',
    async ({ more, service: host, pod: name }) => {
      const path = join(folder, 'body');
      const bytes = Buffer.alloc(5 << 20, 0xe9);
      writeFileSync(path, bytes);
      expect((await curl(...more, '-d', `@${path}`, `http://${host}/file`)).exit).toBe(0);
      expect(mesh.pod(name).seen.at(-1)).toMatchObject({
        body: bytes.length,
        headers: { 'content-length': String(bytes.length) },
      });
      expect(await begin([...more, '-d', '@-', '-X', 'GET', `http://${host}/input`], 'from a pipe').exit).toBe(0);
      const seen = mesh.pod(name).seen.at(-1);
      expect(seen).toMatchObject({ method: 'GET', path: '/input', body: 11 });
      expect(seen?.headers['content-length']).toBeUndefined();
    },
  );

  it.each(VERSIONS)('does not wait for what is still to be sent ($service)', async ({ more, service: host }) => {
    const input = new PassThrough();
    const { terminal, err } = capture('', { PORTOLAN_STATE: mesh.state });
    const exit = await main(
      ['curl', '--as', 'default/sleep', ...more, '-d', '@-', '-m', '5s', `http://${host}/denied`],
      (options) => ({ ...terminal(options), input: () => input }),
    );
    expect(exit).toBe(0);
    expect(err()).toContain('< 403');
    expect(input.destroyed).toBe(true);
  });

  it('writes the body to a file, and none at all with --fail', async () => {
    const path = join(folder, 'out');
    const { exit, out } = await curl('-o', path, '-i', 'http://web.shop/bytes/300000');
    expect(exit).toBe(0);
    expect(out).toMatch(/^HTTP\/1\.1 200 OK\n/);
    expect(readFileSync(path).length).toBe(300_000);
    const route = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{kind: Service, group: "", name: web}]
  rules: [{matches: [{path: {value: /known}}], backendRefs: [{name: web, port: 80}]}]
`;
    await mesh.apply('route.yaml', route);
    expect(await curl('--fail', '-s', 'http://web.shop/unknown')).toEqual({ exit: 1, out: '', err: '' });
    await mesh.apply('route.yaml', '');
  });

  it.each([
    [['http://db.shop:5432/'], 'the answer broke off, or is no HTTP'],
    [['--http2', 'http://db.shop:5432/'], 'does not speak HTTP/2'],
  ])('%j is said to be no HTTP', async (args, words) => {
    const { exit, out, err } = await curl(...args);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toContain(words);
  });

  it('is waited for by its waypoint alone', async () => {
    const waiting = async (name: string): Promise<{ exit: number; err: string }> => {
      const screen = capture('', { PORTOLAN_STATE: mesh.state });
      const exit = await main(['wait', '--waypoint', name, '--timeout', '5s'], screen.terminal);
      return { exit, err: screen.err() };
    };
    expect(await waiting('shop/waypoint')).toMatchObject({
      exit: 0,
      err: expect.stringContaining('1 proxy') as string,
    });
    const other = await waiting('shop/other');
    expect(other.exit).toBe(75);
    expect(other.err).toContain('shop/other: not served here, but shop/waypoint');
  });
});
