import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationRefused, Host, type Root, type Vm } from '#host/emulator.ts';
import type { Fault } from '#model/fault.ts';
import { compileFault } from '#policy/fault/compile.ts';
import { FAULT_LIMIT } from '#abi/fault.ts';
import { PROGRAM_CHECKSUM_OFFSET } from '#abi/program.ts';
import { checksum } from '#policy/writer.ts';
import { BUILDS, loadFilter } from './load.ts';
import { mutation, runs } from './mutation.ts';
import { faulty, servicePort } from '#policy/service-port.fixture.ts';

const ALL = 1_000_000;

const program = (faults: Readonly<Record<string, Fault>>): Uint8Array => {
  const bytes = compileFault(servicePort(Object.entries(faults).map(([name, fault]) => faulty(name, fault))));
  if (!bytes) throw new Error('no route of the test has a fault');
  return bytes;
};

/** The same program with another number of requests that may wait. */
function withLimit(bytes: Uint8Array, limit: number): Uint8Array {
  const changed = bytes.slice();
  const view = new DataView(changed.buffer);
  view.setUint32(FAULT_LIMIT, limit, true);
  view.setUint32(PROGRAM_CHECKSUM_OFFSET, checksum(changed), true);
  return changed;
}

describe.each(BUILDS)('fault (%s)', (build) => {
  const module = loadFilter('fault', build);
  let vm: Vm;

  async function start(bytes: Uint8Array): Promise<Root> {
    vm = await Host.load(module, { random: (room) => room.fill(7) });
    return vm.configure({ rootId: 'fault', pluginConfig: bytes });
  }

  const request = (root: Root, route = 'r', headers: readonly (readonly [string, string])[] = []) =>
    root.request({
      headers: [[':method', 'GET'], [':path', '/'], ...headers.map(([n, v]): [string, string] => [n, v])],
      properties: { 'xds.route_name': route },
      endOfStream: true,
    });

  const faults = (type: string): number => vm.metrics.counter(`portolan_faults_${type}_total`);

  it('aborts as Envoy words it', async () => {
    const root = await start(program({ r: { abort: { httpStatus: 418, perMillion: ALL } } }));
    const stream = request(root);
    expect(stream.action).toBe('reply');
    expect(stream.reply).toMatchObject({ status: 418, body: 'fault filter abort', details: 'fault_filter_abort' });
    stream.end();
    expect(faults('aborted')).toBe(1);
  });

  it('leaves other routes alone, and requests whose route is not known', async () => {
    const root = await start(program({ r: { abort: { httpStatus: 503, perMillion: ALL } } }));
    expect(request(root, 'other').action).toBe('continue');
    const unknown = root.request({
      headers: [
        [':method', 'GET'],
        [':path', '/'],
      ],
    });
    expect(unknown.action).toBe('continue');
  });

  it.each([{ perMillion: 100_000 }, { perMillion: 500_000 }, { perMillion: 1_000 }])(
    'aborts $perMillion of a million, as chance has it',
    async ({ perMillion }) => {
      const root = await start(program({ r: { abort: { httpStatus: 500, perMillion } } }));
      let aborted = 0;
      for (let i = 0; i < 20_000; i++) {
        const stream = request(root);
        if (stream.action === 'reply') aborted++;
        stream.end();
      }
      const share = perMillion / ALL;
      const deviation = Math.sqrt(20_000 * share * (1 - share));
      expect(Math.abs(aborted - 20_000 * share)).toBeLessThan(4 * deviation);
      expect(faults('aborted')).toBe(aborted);
    },
  );

  it('delays for as long as it says, and then lets the request go on', async () => {
    const root = await start(program({ r: { delay: { fixedMs: 250, perMillion: ALL } } }));
    const stream = request(root);
    expect(stream.action).toBe('pause');
    vm.advance(249);
    expect(stream.action).toBe('pause');
    vm.advance(1);
    expect(stream.action).toBe('continue');
    expect(faults('delayed')).toBe(1);
    vm.advance(1000);
    stream.end();
    expect(vm.nextTimer).toBeUndefined();
  });

  it('sets no tick while nothing waits, and one alarm however many wait', async () => {
    const root = await start(program({ r: { delay: { fixedMs: 5000, perMillion: ALL } } }));
    expect(vm.nextTimer).toBeUndefined();
    const first = request(root);
    const due = vm.nextTimer;
    vm.advance(10);
    const second = request(root);
    expect(vm.nextTimer).toBe(due);
    vm.advance(4990);
    expect([first.action, second.action]).toEqual(['continue', 'pause']);
    vm.advance(10);
    expect(second.action).toBe('continue');
    expect(vm.nextTimer).toBeUndefined();
  });

  it('delay and abort are decided each for itself, and the abort comes after the delay', async () => {
    const half = ALL / 2;
    const root = await start(
      program({ r: { delay: { fixedMs: 20, perMillion: half }, abort: { httpStatus: 503, perMillion: half } } }),
    );
    const kinds = { none: 0, delay: 0, abort: 0, both: 0 };
    for (let i = 0; i < 2000; i++) {
      const stream = request(root);
      const paused = stream.action === 'pause';
      if (paused) vm.advance(20);
      const aborted = stream.action === 'reply';
      kinds[paused ? (aborted ? 'both' : 'delay') : aborted ? 'abort' : 'none']++;
      stream.end();
    }
    // 500 of each is meant; 4 standard deviations are 77.
    for (const count of Object.values(kinds)) expect(Math.abs(count - 500)).toBeLessThan(77);
  });

  it('requests go on in the order in which they are due, whatever order they came in', async () => {
    const delays = [300, 20, 170, 5, 90, 170, 60, 240, 1, 500, 33, 77];
    const root = await start(
      program(Object.fromEntries(delays.map((fixedMs, i) => [`r${i}`, { delay: { fixedMs, perMillion: ALL } }]))),
    );
    const streams = delays.map((_, i) => request(root, `r${i}`));
    for (let now = 0; now <= 500; now++) {
      streams.forEach((stream, i) => expect(stream.action).toBe(now < (delays[i] ?? 0) ? 'pause' : 'continue'));
      vm.advance(1);
    }
  });

  it('forgets a request whose client has gone', async () => {
    const root = await start(program({ r: { delay: { fixedMs: 50, perMillion: ALL } } }));
    const streams = Array.from({ length: 200 }, () => request(root));
    streams.filter((_, i) => i % 3 !== 0).forEach((stream) => stream.end());
    vm.advance(50);
    expect(streams.filter((_, i) => i % 3 === 0).every((stream) => stream.action === 'continue')).toBe(true);
    expect(vm.traps).toBe(0);
    streams.filter((_, i) => i % 3 === 0).forEach((stream) => stream.end());
    expect(vm.nextTimer).toBeUndefined();
  });

  it('beyond the limit requests are not delayed, and counted', async () => {
    const root = await start(withLimit(program({ r: { delay: { fixedMs: 50, perMillion: ALL } } }), 100));
    const streams = Array.from({ length: 130 }, () => request(root));
    expect(streams.filter((stream) => stream.action === 'pause')).toHaveLength(100);
    expect(faults('delay_skipped')).toBe(30);
    vm.advance(50);
    expect(request(root).action).toBe('pause');
  });

  it('several roots wait at once, and a replaced one serves its own to the end', async () => {
    const slow = program({ r: { delay: { fixedMs: 100, perMillion: ALL } } });
    const quick = program({ r: { delay: { fixedMs: 30, perMillion: ALL } } });
    const root = await start(slow);
    const other = vm.configure({ rootId: 'fault', pluginConfig: quick });
    const a = request(root);
    const b = request(other);
    const next = root.replace(quick);
    vm.advance(10);
    const c = request(next);
    vm.advance(20);
    expect([a.action, b.action, c.action]).toEqual(['pause', 'continue', 'pause']);
    b.end();
    vm.advance(10);
    expect([a.action, c.action]).toEqual(['pause', 'continue']);
    c.end();
    vm.advance(60);
    expect(a.action).toBe('continue');
    a.end();
    expect(vm.nextTimer).toBeUndefined();
    expect(vm.traps).toBe(0);
  });

  it('a root that goes while others wait leaves them their alarm', async () => {
    const root = await start(program({ r: { delay: { fixedMs: 100, perMillion: ALL } } }));
    const other = vm.configure({
      rootId: 'fault',
      pluginConfig: program({ r: { delay: { fixedMs: 10, perMillion: ALL } } }),
    });
    const a = request(root);
    const b = request(other);
    const next = other.replace(program({ r: { abort: { httpStatus: 500, perMillion: ALL } } }));
    b.end();
    vm.advance(100);
    expect(a.action).toBe('continue');
    expect(request(next).action).toBe('reply');
  });

  it('any coming and going: every request waits exactly its time', async () => {
    const root = await start(
      program(
        Object.fromEntries(
          Array.from({ length: 40 }, (_, i) => [`r${i}`, { delay: { fixedMs: 1 + i * 7, perMillion: ALL } }]),
        ),
      ),
    );
    fc.assert(
      fc.property(
        fc.array(fc.record({ route: fc.nat(39), pause: fc.nat(20), gone: fc.boolean() }), { maxLength: 60 }),
        (steps) => {
          const waiting: { stream: ReturnType<typeof request>; due: number }[] = [];
          let now = 0;
          const check = (): void =>
            waiting.forEach(({ stream, due }) => expect(stream.action).toBe(now < due ? 'pause' : 'continue'));
          for (const { route, pause, gone } of steps) {
            waiting.push({ stream: request(root, `r${route}`), due: now + 1 + route * 7 });
            if (gone) waiting.splice((route * 31) % waiting.length, 1).forEach(({ stream }) => stream.end());
            vm.advance(pause);
            now += pause;
            check();
          }
          vm.advance(300);
          now += 300;
          check();
          waiting.forEach(({ stream }) => stream.end());
          expect(vm.nextTimer).toBeUndefined();
        },
      ),
      runs(60),
    );
    expect(vm.traps).toBe(0);
  });

  it('allocates nothing while it runs', async () => {
    const root = await start(program({ r: { delay: { fixedMs: 5, perMillion: ALL / 2 } } }));
    const turn = (): void => {
      const streams = Array.from({ length: 50 }, () => request(root));
      vm.advance(5);
      streams.forEach((stream) => stream.end());
    };
    for (let i = 0; i < 20; i++) turn();
    const before = vm.memorySize;
    for (let i = 0; i < 200; i++) turn();
    expect(vm.memorySize).toBe(before);
  });

  it('no program, however broken, traps, hangs, or is half accepted', async () => {
    const bytes = program({
      r: { delay: { fixedMs: 5, perMillion: 500_000 }, abort: { httpStatus: 503, perMillion: 500_000 } },
      s: { abort: { httpStatus: 400, perMillion: ALL } },
    });
    const root = await start(bytes);
    fc.assert(
      fc.property(mutation(bytes), (broken) => {
        try {
          const next = root.replace(broken);
          for (let i = 0; i < 4; i++) request(next).end();
          root.replace(bytes);
        } catch (error) {
          if (!(error instanceof ConfigurationRefused)) throw error;
          expect(error.message).toContain('program refused: ');
        }
        expect(vm.traps).toBe(0);
      }),
      runs(300),
    );
  });
});
