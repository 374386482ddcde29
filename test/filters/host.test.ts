import { beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationRefused, Host, type Root, type Vm } from '#host/emulator.ts';
import type { Stream } from '#host/stream.ts';
import { compileFixture } from './fixture.ts';

// The host by itself; that it does what Envoy does is shown by test/envoy/host-parity.test.ts.

let module: Uint8Array;
let vm: Vm;
let root: Root;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const request = (steps: string, from: Root = root): Stream =>
  from.request({
    headers: [
      [':method', 'GET'],
      [':path', '/'],
      ['x-script', `s;${steps}`],
    ],
  });
const said = (): string[] => vm.logs.map((line) => line.message);

beforeAll(async () => {
  module = await compileFixture('parity');
});

async function start(): Promise<void> {
  vm = await Host.load(module, { vmId: 'vm' });
  root = vm.configure({ rootId: 'root', pluginConfig: bytes('one') });
}

describe('configuration', () => {
  test('a refused configuration throws with what the filter said, and nothing changes', async () => {
    await start();
    expect(() => root.replace(bytes('refuse'))).toThrow(ConfigurationRefused);
    expect(() => root.replace(bytes('trap'))).toThrow(/trapped on its configuration/);
    expect(request('rq:get,0,:path').action).toBe('continue');
    expect(vm.traps).toBe(0);
  });

  test('a replaced root lives until its last stream has ended', async () => {
    await start();
    const old = request('rq:pause');
    const next = root.replace(bytes('two'));
    expect(said()).not.toContain('root done');
    request('rq:get,0,:path', next).end();
    old.end();
    expect(said().slice(-4)).toEqual(['s dn ', 's deleted', 'root done', 'root deleted']);
  });

  test('what is no proxy-wasm module is refused by name', async () => {
    const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    await expect(Host.load(empty)).rejects.toThrow('Missing or unknown Proxy-Wasm ABI version');
  });
});

describe('time', () => {
  test('ticks run when the clock is moved, in the order they come due', async () => {
    await start();
    const stream = request('rq:pause-until-tick;tk:continue,0');
    vm.advance(29);
    expect(stream.action).toBe('pause');
    vm.advance(1);
    expect(stream.action).toBe('continue');
    expect(vm.nextTimer).toBeUndefined();
  });

  test('a stream that ended is not woken', async () => {
    await start();
    request('rq:pause-until-tick;tk:continue,0').end();
    vm.advance(100);
    expect(said().filter((line) => line.includes(' tk '))).toEqual([]);
  });
});

describe('failure', () => {
  test('a trap answers 503, is counted, and the next request finds a new VM with its metrics', async () => {
    await start();
    request('rq:metric,0,hits,1,1');
    expect(request('rq:trap').reply).toMatchObject({ status: 503, details: 'wasm_fail_stream' });
    expect(vm.traps).toBe(1);
    expect(request('rq:metric,0,hits,1,1').action).toBe('continue');
    expect(vm.metrics.counter('hits')).toBe(4);
    expect(vm.metrics.names('counter')).toEqual(['hits']);
  });

  test('a trap in a tick takes the streams that wait with it', async () => {
    await start();
    const waiting = request('rq:pause-until-tick;tk:trap');
    vm.advance(30);
    expect(vm.traps).toBe(1);
    expect(waiting.body('more').action).toBe('pause');
    expect(request('rq:get,0,:path').action).toBe('continue');
  });

  test('gRPC is answered in its own way', async () => {
    await start();
    const headers = [
      [':path', '/a.B/C'],
      ['content-type', 'application/grpc'],
      ['x-script', 's;rq:trap'],
    ] as const;
    expect(root.request({ headers }).reply).toMatchObject({ status: 200, grpcStatus: 14 });
  });
});

describe('misuse', () => {
  test('a header that is no byte string is refused with a hint', async () => {
    await start();
    expect(() => root.request({ headers: [['x-a', '\u2026']] })).toThrow('a header is a byte string');
    expect(vm.traps).toBe(0);
  });

  test('a response to a request that never went on is an error of the caller', async () => {
    await start();
    const stream = request('rq:reply,403,why,no,-1');
    expect(() => stream.response({ headers: { ':status': '200' } })).toThrow('no response can come');
  });
});
