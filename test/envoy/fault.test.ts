import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '#model/fault.ts';
import { compileFault } from '#policy/fault/compile.ts';
import { faulty, servicePort } from '#policy/service-port.fixture.ts';
import { FeatureWorld } from './feature-world.ts';

const ALL = 1_000_000;
const TEAPOT = { httpStatus: 418, perMillion: ALL };

const FAULTS: Readonly<Record<string, Fault>> = {
  abort: { abort: TEAPOT },
  half: { abort: { httpStatus: 503, perMillion: ALL / 2 } },
  slow: { delay: { fixedMs: 100, perMillion: ALL } },
  slower: { delay: { fixedMs: 400, perMillion: ALL } },
  both: { delay: { fixedMs: 50, perMillion: ALL }, abort: TEAPOT },
};

const program = (faults = FAULTS): Uint8Array =>
  compileFault(servicePort(Object.entries(faults).map(([name, fault]) => faulty(name, fault)))) as Uint8Array;

describe('faults in Envoy', () => {
  let world: FeatureWorld;

  beforeAll(async () => {
    const action = { route: { cluster: 'v1' } };
    world = await FeatureWorld.start({
      feature: 'fault',
      program: program(),
      clusters: ['v1'],
      routes: [
        ...['abort', 'half', 'slower', 'slow', 'both'].map((name) => ({
          name,
          prefix: `/${name}`,
          switched: true,
          action,
        })),
        { name: 'off', prefix: '/', action },
      ],
    });
  });

  afterAll(() => world?.stop());

  it('aborts as the native filter does', async () => {
    const answer = await world.get('/abort');
    expect([answer.status, answer.body]).toEqual([418, 'fault filter abort']);
  });

  it('aborts gRPC with the status that Envoy makes of the HTTP status', async () => {
    const answer = await world.get('/abort', { 'content-type': 'application/grpc' }, 'x');
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({ 'grpc-status': '2', 'grpc-message': 'fault filter abort' });
  });

  it('aborts half, as chance has it', async () => {
    let aborted = 0;
    for (let i = 0; i < 400; i++) if ((await world.get('/half')).status === 503) aborted++;
    expect(Math.abs(aborted - 200)).toBeLessThan(50);
  });

  it('delays and then goes on, with the body that came meanwhile', async () => {
    const answer = await world.get('/slow', {}, 'a body');
    expect([answer.status, answer.body]).toEqual([200, 'v1']);
    expect(answer.ms).toBeGreaterThanOrEqual(99);
    expect(answer.ms).toBeLessThan(200);
  });

  it('aborts after the delay', async () => {
    const answer = await world.get('/both');
    expect(answer.status).toBe(418);
    expect(answer.ms).toBeGreaterThanOrEqual(49);
  });

  it('many wait at once, and the worker goes on with others', async () => {
    const waiting = Array.from({ length: 40 }, (_, i) => world.get(i % 2 === 0 ? '/slow' : '/slower'));
    const others = [];
    for (let i = 0; i < 20; i++) others.push((await world.get('/')).ms);
    others.sort((a, b) => a - b);
    expect(others[10]).toBeLessThan(20);
    const answers = await Promise.all(waiting);
    answers.forEach(({ status, ms }, i) => {
      expect(status).toBe(200);
      expect(ms).toBeGreaterThanOrEqual(i % 2 === 0 ? 99 : 399);
    });
  });

  it('a program is replaced while requests of the old one wait', async () => {
    const old = Array.from({ length: 10 }, () => world.get('/slower'));
    expect((await world.get('/slow')).status).toBe(200);
    expect(await world.replace(program({ ...FAULTS, slow: { abort: TEAPOT } }), 2)).toBe('accepted');
    expect((await world.get('/slow')).status).toBe(418);
    for (const answer of await Promise.all(old)) {
      expect(answer.status).toBe(200);
      expect(answer.ms).toBeGreaterThanOrEqual(399);
    }
    expect(await world.replace(program(), 3)).toBe('accepted');
    expect((await world.get('/slow')).status).toBe(200);
  });

  it('clients that go away leave nothing behind', async () => {
    const gone = Array.from({ length: 20 }, () => {
      const abandon = new AbortController();
      setTimeout(() => abandon.abort(), 20);
      return fetch(`http://127.0.0.1:${world.port}/slower`, { signal: abandon.signal }).catch(() => 'gone');
    });
    expect(new Set(await Promise.all(gone))).toEqual(new Set(['gone']));
    expect((await world.get('/slow')).status).toBe(200);
    const active = await world.envoy.admin('/stats?filter=http.front.downstream_rq_active');
    expect(active).toContain('downstream_rq_active: 0');
  });

  it('counts what it did', async () => {
    const text = await world.envoy.admin('/stats/prometheus?filter=portolan_faults');
    expect(text).toMatch(/^portolan_faults_aborted_total\{\} [1-9]\d*$/m);
    expect(text).toMatch(/^portolan_faults_delayed_total\{\} [1-9]\d*$/m);
    expect(world.envoy.log).not.toContain('Wasm VM failed');
  });
});
