import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { compileFilter } from './compile-filter.ts';
import { BUILDS } from './load.ts';
import { runs } from './mutation.ts';

// The layer under every filter, called as the host calls it, without a host between: what it does with contexts,
// programs and memory, and that it never leaks.

interface Exports {
  readonly memory: WebAssembly.Memory;
  readonly contexts: () => number;
  readonly proxy_on_memory_allocate: (size: number) => number;
  readonly proxy_on_context_create: (id: number, parent: number) => void;
  readonly proxy_on_configure: (id: number, size: number) => number;
  readonly proxy_on_request_headers: (id: number, count: number, end: number) => number;
  readonly proxy_on_delete: (id: number) => void;
}

/** What the fixture answered: the program's first byte, how often this stream was asked, how many header lines. */
interface Answer {
  readonly program: number;
  readonly requests: number;
  readonly lines: number;
}

const NO_PROGRAM = 599;

class Layer {
  readonly vm: Exports;
  headers: Uint8Array = new Uint8Array(4);
  /** Contexts that the host still has, where a filter is not told that they end. */
  readonly living = new Set<number>();
  #configuration: Uint8Array = new Uint8Array();
  #answer: Answer | undefined;
  readonly log: string[] = [];

  constructor(module: WebAssembly.Module) {
    const env = {
      proxy_log: (_level: number, at: number, size: number) => {
        this.log.push(Buffer.from(this.#memory.subarray(at, at + size)).toString());
        return 0;
      },
      proxy_set_effective_context: (id: number) => (this.living.has(id) ? 0 : 2),
      proxy_get_buffer_bytes: (_buffer: number, _start: number, _size: number, at: number, sizeAt: number) =>
        this.#give(this.#configuration, at, sizeAt),
      proxy_get_header_map_pairs: (_map: number, at: number, sizeAt: number) => this.#give(this.headers, at, sizeAt),
      proxy_send_local_response: (
        program: number,
        _details: number,
        requests: number,
        _body: number,
        _bodySize: number,
        _pairs: number,
        _pairsSize: number,
        lines: number,
      ) => {
        this.#answer = { program, requests, lines };
        return 0;
      },
    };
    this.vm = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
  }

  get #memory(): Uint8Array {
    return new Uint8Array(this.vm.memory.buffer);
  }

  get bytes(): number {
    return this.vm.memory.buffer.byteLength;
  }

  #give(value: Uint8Array, at: number, sizeAt: number): number {
    const place = this.vm.proxy_on_memory_allocate(value.length);
    this.#memory.set(value, place);
    const view = new DataView(this.vm.memory.buffer);
    view.setUint32(at, place, true);
    view.setUint32(sizeAt, value.length, true);
    return 0;
  }

  root(id: number, program: Uint8Array): boolean {
    this.living.add(id);
    this.vm.proxy_on_context_create(id, 0);
    return this.configure(id, program);
  }

  configure(id: number, program: Uint8Array): boolean {
    this.#configuration = program;
    return this.vm.proxy_on_configure(id, program.length) === 1;
  }

  begin(id: number, root: number): void {
    this.vm.proxy_on_context_create(id, root);
  }

  ask(id: number): Answer {
    this.#answer = undefined;
    this.vm.proxy_on_request_headers(id, 0, 1);
    if (this.#answer === undefined) throw new Error('expected an answer');
    return this.#answer;
  }

  end(id: number): void {
    this.vm.proxy_on_delete(id);
  }
}

/** A header map of so many lines, as the host serializes it. */
function pairs(lines: number, valueSize: number): Uint8Array {
  const bytes = Buffer.alloc(4 + lines * (8 + 2 + valueSize + 1), 'v');
  bytes.writeUInt32LE(lines, 0);
  for (let i = 0; i < lines; i++) {
    bytes.writeUInt32LE(1, 4 + 8 * i);
    bytes.writeUInt32LE(valueSize, 8 + 8 * i);
  }
  return bytes;
}

const MEBIBYTE = 1 << 20;
const program = (first: number, size = 1): Uint8Array => new Uint8Array(size).fill(first, 0, 1);

describe.each(BUILDS)('the layer under the filters (%s)', (build) => {
  let module: WebAssembly.Module;
  const layer = (): Layer => new Layer(module);
  beforeAll(async () => {
    module = new WebAssembly.Module(Buffer.from(await compileFilter('test/filters/fixtures/sdk.ts', build)));
  });

  test('a million streams leave nothing behind', () => {
    const it = layer();
    it.root(1, program(7));
    const LIVE = 1_000;
    let next = 2;
    for (let i = 0; i < LIVE; i++) it.begin(next++, 1);
    const before = it.bytes;
    for (let i = 0; i < 1_000_000; i++) {
      it.end(next - LIVE);
      it.begin(next, 1);
      next++;
    }
    expect(it.bytes).toBe(before);
    expect(it.vm.contexts()).toBe(1 + LIVE);
    expect(it.ask(next - 1)).toEqual({ program: 7, requests: 1, lines: 0 });
    for (let i = 1; i <= LIVE; i++) it.end(next - i);
    expect(it.vm.contexts()).toBe(1);
  });

  test('contexts come and go in any order, and each keeps its own', () => {
    // A step: begin a stream of a root, ask one, end one, or put a new root in a root's place.
    const step = fc.tuple(fc.constantFrom('begin', 'ask', 'ask', 'end', 'replace'), fc.nat({ max: 500 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const it = layer();
        const roots = [
          { id: 1, byte: 1 },
          { id: 2, byte: 2 },
        ];
        for (const { id, byte } of roots) it.root(id, program(byte));
        const streams: { readonly id: number; readonly byte: number; asked: number }[] = [];
        let next = 3;
        for (const [what, index] of steps) {
          const root = roots[index % roots.length];
          const stream = streams[index % Math.max(1, streams.length)];
          if (what === 'begin' && root) {
            // Far apart and close together: ids are what the host makes of them.
            const id = next;
            next += 1 + (index % 3) * 256;
            it.begin(id, root.id);
            streams.push({ id, byte: root.byte, asked: 0 });
          } else if (what === 'replace' && root) {
            const id = next++;
            it.root(id, program((root.byte + 2) % 200));
            it.end(root.id);
            roots[index % roots.length] = { id, byte: (root.byte + 2) % 200 };
          } else if (what === 'ask' && stream) {
            expect(it.ask(stream.id)).toEqual({ program: stream.byte, requests: ++stream.asked, lines: 0 });
          } else if (what === 'end' && stream) {
            it.end(stream.id);
            streams.splice(streams.indexOf(stream), 1);
          }
        }
        expect(it.vm.contexts()).toBe(roots.length + streams.length);
      }),
      runs(200),
    );
  });

  test('a program lives as long as the last stream that began with it', () => {
    const it = layer();
    it.root(1, program(1));
    it.begin(10, 1);
    it.root(2, program(2));
    it.end(1);
    it.begin(11, 2);
    expect(it.ask(10).program).toBe(1);
    expect(it.ask(11).program).toBe(2);
  });

  test('programs that were replaced are freed', () => {
    const it = layer();
    it.root(1, program(1, MEBIBYTE));
    for (let id = 2; id < 20; id++) {
      it.root(id, program(id, MEBIBYTE));
      it.end(id - 1);
    }
    const before = it.bytes;
    for (let id = 20; id < 300; id++) {
      it.begin(10_000 + id, id - 1);
      it.root(id, program(id % 200, MEBIBYTE));
      it.end(id - 1);
      expect(it.ask(10_000 + id).program).toBe((id - 1) % 200);
      it.end(10_000 + id);
    }
    expect(it.bytes).toBe(before);
  });

  test('a refused program leaves the one before in force, costs no memory, and says why', () => {
    const it = layer();
    it.root(1, program(5));
    const before = it.bytes;
    for (let i = 0; i < 1_000; i++) expect(it.configure(1, new Uint8Array())).toBe(false);
    expect(it.bytes).toBe(before);
    expect(it.log[0]).toBe('program refused: empty program; bytes expected at least, came: 1 0');
    it.begin(2, 1);
    expect(it.ask(2).program).toBe(5);
  });

  test('a root that is configured again: new streams take the new program', () => {
    const it = layer();
    it.root(1, program(5));
    it.begin(2, 1);
    it.configure(1, program(6));
    it.begin(3, 1);
    expect([it.ask(2).program, it.ask(3).program]).toEqual([5, 6]);
  });

  test('a stream of a root without a program, and one that never began, have none', () => {
    const it = layer();
    it.vm.proxy_on_context_create(1, 0);
    it.begin(2, 1);
    expect(it.ask(2).program).toBe(NO_PROGRAM);
    expect(it.ask(99).program).toBe(NO_PROGRAM);
    it.begin(3, 77);
    expect(it.ask(3).program).toBe(NO_PROGRAM);
    it.end(98);
  });

  test('values larger than the arena are read, and freed with the next callback', () => {
    const it = layer();
    it.root(1, program(1));
    it.begin(2, 1);
    it.headers = pairs(100, 40_000);
    expect(it.ask(2).lines).toBe(100);
    const before = it.bytes;
    for (let i = 0; i < 200; i++) it.ask(2);
    expect(it.bytes).toBe(before);
  });
});

describe.each(BUILDS)('a filter that looks at a stream once (%s)', (build) => {
  let module: WebAssembly.Module;
  beforeAll(async () => {
    module = new WebAssembly.Module(Buffer.from(await compileFilter('test/filters/fixtures/passing.ts', build)));
  });
  const layer = (): Layer => new Layer(module);

  test('is told of beginnings alone', () => {
    expect(WebAssembly.Module.exports(module).map(({ name }) => name)).not.toContain('proxy_on_delete');
  });

  test('a stream has the program that its root has when it begins', () => {
    const it = layer();
    for (const root of [1, 2, 3]) it.root(root, program(root));
    for (let id = 10; id < 10_000; id++) {
      const root = 1 + (id % 3);
      it.begin(id, root);
      expect(it.ask(id).program).toBe(root);
    }
    it.configure(1, program(9));
    it.begin(10_000, 1);
    expect(it.ask(10_000).program).toBe(9);
    expect(it.vm.contexts()).toBe(3);
  });

  test('a callback about any other stream than the one that just began finds no program', () => {
    const it = layer();
    it.root(1, program(1));
    it.begin(2, 1);
    it.begin(3, 1);
    expect(it.ask(2).program).toBe(NO_PROGRAM);
    expect(it.ask(3).program).toBe(1);
    it.begin(4, 77);
    expect(it.ask(4).program).toBe(NO_PROGRAM);
  });

  test('roots that are gone are freed, those that live keep their programs', () => {
    const it = layer();
    const quiet = Array.from({ length: 300 }, (_, i) => 1_000_000 + 7 * i);
    for (const id of quiet) it.root(id, program(id % 200));
    const replace = (id: number): void => {
      it.root(id, program(id % 200, 1 << 18));
      it.living.delete(id - 1);
    };
    for (let id = 1; id < 50; id++) replace(id);
    const before = it.bytes;
    for (let id = 50; id < 3_000; id++) {
      replace(id);
      it.begin(10_000 + id, id);
      expect(it.ask(10_000 + id).program).toBe(id % 200);
    }
    expect(it.bytes).toBe(before);
    expect(it.vm.contexts()).toBeLessThan(quiet.length + 5);
    for (const [i, id] of quiet.entries()) {
      it.begin(20_000 + i, id);
      expect(it.ask(20_000 + i).program).toBe(id % 200);
    }
  });

  test('asking which roots live costs a start no square', () => {
    const it = layer();
    let asked = 0;
    it.living.has = () => {
      asked++;
      return true;
    };
    for (let id = 1; id <= 5_000; id++) it.root(id, program(1, 200));
    expect(asked).toBeLessThan(25_000);
  });
});
