import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DockerComposeEnvironment, Wait, type StartedDockerComposeEnvironment } from 'testcontainers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findEnvoy } from '#proxy/find.ts';
import { provideBaseImages } from './base-images.ts';

const PROJECT = 'portolan-test';
const ROOT = join(import.meta.dirname, '../..');
const DETAILS = 'http://127.0.0.1:15101/details/0';
const REVIEWS = 'http://127.0.0.1:15102/reviews/0';
const RATINGS = 'http://127.0.0.1:15103/ratings/0';
const PRODUCTPAGE = 'http://127.0.0.1:15104/productpage';

interface Answer {
  readonly status: number;
  readonly pod: string | null;
  readonly body: string;
  readonly ms: number;
}

const hasDocker = spawnSync('docker', ['info'], { stdio: 'ignore' }).status === 0;
if (!hasDocker && process.env['CI']) throw new Error('the compose tier needs Docker, and may not be skipped in CI');

// Every part in a container of its own; the callers' and the applications' ztunnel is a stock Envoy.
describe.skipIf(!hasDocker)('Bookinfo in containers (skipped where there is no Docker)', () => {
  let environment: StartedDockerComposeEnvironment;

  /** Asked of Docker by its labels: compose 1 and 2 name containers differently. */
  function container(service: string): string {
    const labels = [`project=${PROJECT}`, `service=${service}`].flatMap((label) => [
      '--filter',
      `label=com.docker.compose.${label}`,
    ]);
    const id = execFileSync('docker', ['ps', '--all', '--quiet', ...labels], { encoding: 'utf8' }).trim();
    if (id === '') throw new Error(`there is no container of ${service}`);
    return id;
  }

  /** Requests from inside a caller's container, one after the other, through the stand-in for ztunnel beside it. */
  function call(from: string, url: string, init: object = {}, times = 1): Answer[] {
    const script = `const answers = [];
      const awake = setTimeout(() => process.exit(9), 120_000);
      for (let i = 0; i < ${times}; i++) {
        const began = performance.now();
        try {
          const r = await fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(10_000), ...${JSON.stringify(init)} });
          answers.push({ status: r.status, pod: r.headers.get('x-served-by'), body: await r.text(), ms: performance.now() - began });
        } catch (error) { answers.push({ status: 0, pod: null, body: String(error.cause ?? error), ms: performance.now() - began }); }
      }
      clearTimeout(awake);
      process.stdout.write(JSON.stringify(answers));`;
    const output = execFileSync(
      'docker',
      ['exec', container(from), '/usr/local/bin/node', '--input-type=module', '-e', script],
      { encoding: 'utf8', maxBuffer: 1 << 26 },
    );
    return JSON.parse(output) as Answer[];
  }

  const metrics = (): string =>
    execFileSync(
      'docker',
      [
        'exec',
        container('client'),
        '/usr/local/bin/node',
        '--input-type=module',
        '-e',
        `process.stdout.write(await (await fetch('http://172.30.77.10:15020/stats/prometheus')).text())`,
      ],
      { encoding: 'utf8', maxBuffer: 1 << 26 },
    );

  const eventually = async (check: () => boolean): Promise<void> => {
    for (let tries = 0; tries < 120; tries++) {
      if (check()) return;
      await wait(500);
    }
    throw new Error('it did not come about within a minute');
  };

  const up = (): Promise<StartedDockerComposeEnvironment> =>
    new DockerComposeEnvironment(ROOT, 'docker-compose.yml')
      .withProjectName(PROJECT)
      .withWaitStrategy('setup-1', Wait.forOneShotStartup())
      .withWaitStrategy('setup_1', Wait.forOneShotStartup())
      .withStartupTimeout(120_000)
      .up();

  beforeAll(async () => {
    process.env['DOCKER_BUILDKIT'] = '0';
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
    provideBaseImages((await findEnvoy()).path);
    execFileSync('docker', ['build', '--quiet', '--file', 'envoy/Dockerfile', '--tag', 'portolan:dev', '.'], {
      cwd: ROOT,
      env: process.env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    environment = await up().catch(async () => {
      // Docker may still be taking down the network of a run that has just ended.
      await wait(3_000);
      return up();
    });
    await eventually(() => call('client', DETAILS)[0]?.status !== 0 && call('client', PRODUCTPAGE)[0]?.status === 200);
  });
  afterAll(async () => {
    await environment?.down({ removeVolumes: true, timeout: 1_000 });
  });

  it('speaks HBONE on the wire, and nothing else between containers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portolan-wire-'));
    const file = join(folder, 'wire.pcap');
    const network = execFileSync(
      'docker',
      ['inspect', '-f', '{{range .NetworkSettings.Networks}}{{.NetworkID}}{{end}}', container('client')],
      { encoding: 'utf8' },
    );
    const capture = spawn(
      'tcpdump',
      ['-i', `br-${network.trim().slice(0, 12)}`, '--immediate-mode', '-U', '-w', file, 'net 172.30.77.0/24 and tcp'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    await once(capture.stderr, 'data');
    await wait(500);
    const marker = 'x-marker-6f1d2c';
    expect(call('client', `${PRODUCTPAGE}?${marker}`, {}, 5).map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200,
    ]);
    await wait(500);
    capture.kill('SIGINT');
    await once(capture, 'exit');
    const bytes = readFileSync(file);
    const ports = execFileSync('tcpdump', ['-nn', '-r', file], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    });
    const flows = ports.split('\n').flatMap((line) => [...line.matchAll(/IP (\S+) > (\S+):/g)]);
    rmSync(folder, { recursive: true, force: true });
    expect(flows.length).toBeGreaterThan(50);
    // One end of every packet is the HBONE port, and no byte of a request is readable.
    for (const [, from = '', to = ''] of flows) expect(`${from} ${to}`).toMatch(/\.15008\b/);
    expect(bytes.includes(marker)).toBe(false);
    expect(bytes.includes('HTTP/1.1')).toBe(false);
    // Records of TLS application data, which TLS 1.3 makes of everything after the first flight.
    expect(bytes.includes(Buffer.from([0x17, 0x03, 0x03]))).toBe(true);
    expect(bytes.includes('spiffe://')).toBe(false);
  });

  it('allows and denies by identity, method and service', () => {
    expect(call('client', PRODUCTPAGE)[0]?.status).toBe(200);
    expect(call('client', PRODUCTPAGE, { method: 'POST' })[0]).toMatchObject({
      status: 403,
      body: 'RBAC: access denied',
    });
    expect(call('stranger', PRODUCTPAGE)[0]?.status).toBe(403);
    expect(call('stranger', RATINGS)[0]?.status).toBe(403);
  });

  it('splits reviews 90 to 10', () => {
    const pods = call('productpage', REVIEWS, {}, 300).map(({ pod }) => pod);
    const v2 = pods.filter((pod) => pod === 'reviews-v2').length;
    expect(pods.filter((pod) => pod === 'reviews-v1').length + v2).toBe(300);
    // 30 of 300 are expected; each worker is exact over its window, so chance has little room.
    expect(v2).toBeGreaterThan(15);
    expect(v2).toBeLessThan(45);
  });

  it('injects the fault that the VirtualService asks for, and only there', () => {
    const faulty = call('reviews-v2', RATINGS, { headers: { 'end-user': 'jason' } }, 3);
    expect(faulty.every(({ status, ms }) => status !== 200 || ms > 1_000)).toBe(true);
    expect(call('reviews-v2', RATINGS)[0]?.status).toBe(200);
  });

  it('counts every request with the labels of both ends', () => {
    const text = metrics();
    const denied = text
      .split('\n')
      .find(
        (line) =>
          line.startsWith('istio_requests_total') &&
          line.includes('response_code="403"') &&
          line.includes('sa/stranger'),
      );
    expect(denied).toContain('reporter="waypoint"');
    expect(denied).toContain('destination_service="productpage.bookinfo.svc.cluster.local"');
    const served = text
      .split('\n')
      .find((line) => line.startsWith('istio_requests_total') && line.includes('destination_workload="reviews-v2"'));
    expect(served).toContain('connection_security_policy="mutual_tls"');
  });

  it('goes on when the runtime is killed, and takes edits again when it is back', async () => {
    execFileSync('docker', ['kill', '--signal', 'KILL', container('runtime')]);
    await wait(500);
    expect(call('client', PRODUCTPAGE, {}, 20).map(({ status }) => status)).toEqual(
      Array.from({ length: 20 }, () => 200),
    );
    expect(call('stranger', PRODUCTPAGE)[0]?.status).toBe(403);
    execFileSync('docker', ['start', container('runtime')]);
    await eventually(
      () =>
        spawnSync('docker', [
          'exec',
          container('runtime'),
          '/usr/local/bin/node',
          '/opt/portolan/portolan.js',
          'wait',
          '--state',
          '/state/portolan',
          '--timeout',
          '20s',
        ]).status === 0,
    );
    expect(call('client', PRODUCTPAGE)[0]?.status).toBe(200);
  });

  it('finds a backend again that was restarted', async () => {
    execFileSync('docker', ['restart', '--time', '0', container('details')]);
    execFileSync('docker', ['restart', '--time', '0', container('details-ztunnel')]);
    await eventually(() => call('productpage', DETAILS)[0]?.status === 200);
  });
});
