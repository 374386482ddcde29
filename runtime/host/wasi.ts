import type { HostCalls } from './imports.ts';
import type { Instance } from './instance.ts';
import { fromUtf8 } from './memory.ts';

const SUCCESS = 0;
const BAD_FILE = 8;
const FAULT = 21;
const NOT_SUPPORTED = 58;
const NO_SYSTEM_CALL = 52;

const MOST_RANDOM_BYTES = 65_536;

/** The part of WASI preview 1 that Envoy offers: output becomes log lines, there are no files, arguments or environment. */
export function wasi(vm: Instance): HostCalls {
  const done = (ok: boolean): number => (ok ? SUCCESS : FAULT);
  const noList = (countOut: number, sizeOut: number): number =>
    done(vm.memory.writeU32(countOut, 0) && vm.memory.writeU32(sizeOut, 0));
  return {
    fd_write: (file: number, vectors: number, count: number, writtenOut: number) => {
      if (file !== 1 && file !== 2) return BAD_FILE;
      const parts: number[] = [];
      for (let i = 0; i < count >>> 0; i++) {
        const pointer = vm.memory.readU32(vectors + 8 * i);
        const size = vm.memory.readU32(vectors + 8 * i + 4);
        const bytes = pointer === undefined || size === undefined ? undefined : vm.memory.read(pointer, size);
        if (!bytes) return FAULT;
        parts.push(...bytes);
      }
      if (parts.length > 0) vm.log(file === 1 ? 'info' : 'error', fromUtf8(Uint8Array.from(parts)).replace(/\n$/, ''));
      return done(vm.memory.writeU32(writtenOut, parts.length));
    },
    clock_time_get: (clock: number, _precision: bigint, out: number) =>
      clock === 0 ? done(vm.memory.writeU64(out, vm.surroundings.clock.now())) : NOT_SUPPORTED,
    random_get: (pointer: number, size: number) => {
      if (size >>> 0 > MOST_RANDOM_BYTES) return FAULT;
      const bytes = new Uint8Array(size >>> 0);
      vm.surroundings.random(bytes);
      return done(vm.memory.write(pointer, bytes));
    },
    proc_exit: (code: number) => {
      throw new Error(`the filter called proc_exit(${code})`);
    },
    environ_get: () => SUCCESS,
    environ_sizes_get: noList,
    args_get: () => SUCCESS,
    args_sizes_get: noList,
    sched_yield: () => SUCCESS,
    poll_oneoff: () => NO_SYSTEM_CALL,
    path_open: () => NO_SYSTEM_CALL,
    fd_read: () => NO_SYSTEM_CALL,
    fd_seek: () => SUCCESS,
    fd_close: () => SUCCESS,
    fd_fdstat_get: (file: number, out: number) => {
      if (file !== 1 && file !== 2) return BAD_FILE;
      const writable = new Uint8Array(24);
      writable[8] = 64;
      return done(vm.memory.write(out, writable));
    },
    fd_fdstat_set_flags: () => NO_SYSTEM_CALL,
    // Anything but "bad file" here makes Go's start-up loop for ever.
    fd_prestat_get: () => BAD_FILE,
    fd_prestat_dir_name: () => BAD_FILE,
  };
}
