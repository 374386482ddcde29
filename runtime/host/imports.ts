import {
  GRPC_STATUS_NONE,
  LOG_LEVELS,
  STATUS_BAD_ARGUMENT,
  STATUS_INVALID_MEMORY_ACCESS,
  STATUS_NOT_FOUND,
  STATUS_OK,
  STATUS_UNIMPLEMENTED,
  HEADER_MAP_CALL_RESPONSE_TRAILERS,
  HEADER_MAP_REQUEST,
  BUFFER_CALL_DATA,
  BUFFER_UPSTREAM_DATA,
  STREAM_UPSTREAM,
} from './abi.ts';
import { type Body, NO_BODY } from './context.ts';
import { callForeign } from './foreign.ts';
import { decodePairs, encodePairs, type HeaderMap } from './headers.ts';
import type { Instance } from './instance.ts';
import { fromLatin1, fromUtf8, latin1 } from './memory.ts';
import { wasi } from './wasi.ts';

type HostCall = (...args: never[]) => number | void;
export type HostCalls = Readonly<Record<string, HostCall>>;

/**
 * The imports a module gets: `env.proxy_*` of ABI 0.2.1 and the part of WASI that Envoy offers.
 * Throws with the names of what it wants beyond that, where Envoy would refuse the module as well.
 */
export function imports(module: WebAssembly.Module, vm: Instance): WebAssembly.Imports {
  const offered: Readonly<Record<string, HostCalls>> = {
    env: { ...general(vm), ...headers(vm), ...buffers(vm), ...streams(vm), ...metrics(vm), ...sharing(vm) },
    wasi_snapshot_preview1: wasi(vm),
    wasi_unstable: wasi(vm),
  };
  const missing = WebAssembly.Module.imports(module).filter((wanted) => !offered[wanted.module]?.[wanted.name]);
  if (missing.length > 0) {
    const names = missing.map((wanted) => `${wanted.module}.${wanted.name}`).join(', ');
    throw new TypeError(`Failed to load Wasm module due to a missing import: ${names}`);
  }
  return offered;
}

const done = (ok: boolean): number => (ok ? STATUS_OK : STATUS_INVALID_MEMORY_ACCESS);

function general(vm: Instance): HostCalls {
  return {
    proxy_log: (level: number, message: number, size: number) => {
      const name = LOG_LEVELS[level];
      if (name === undefined) return STATUS_BAD_ARGUMENT;
      const text = vm.memory.read(message, size);
      if (!text) return STATUS_INVALID_MEMORY_ACCESS;
      vm.log(name, fromUtf8(text));
      return STATUS_OK;
    },
    proxy_get_log_level: (out: number) => done(vm.memory.writeU32(out, LOG_LEVELS.indexOf(vm.surroundings.logLevel))),
    proxy_get_current_time_nanoseconds: (out: number) => done(vm.memory.writeU64(out, vm.surroundings.clock.now())),
    proxy_set_tick_period_milliseconds: (period: number) => {
      vm.timers.set(vm.context.rootId, period >>> 0);
      return STATUS_OK;
    },
    proxy_set_effective_context: (id: number) => (vm.enter(id >>> 0) ? STATUS_OK : STATUS_BAD_ARGUMENT),
    proxy_done: () => vm.context.done(),
    proxy_get_property: (path: number, size: number, valueOut: number, sizeOut: number) => {
      const bytes = vm.memory.read(path, size);
      if (!bytes) return STATUS_INVALID_MEMORY_ACCESS;
      const { status, bytes: value } = vm.context.property(segments(fromUtf8(bytes)));
      return status === STATUS_OK ? done(vm.memory.give(value, valueOut, sizeOut)) : status;
    },
    proxy_set_property: (path: number, pathSize: number, value: number, size: number) => {
      const [name, bytes] = [vm.memory.read(path, pathSize), vm.memory.read(value, size)];
      if (!name || !bytes) return STATUS_INVALID_MEMORY_ACCESS;
      return vm.context.setProperty(fromUtf8(name), bytes);
    },
    proxy_call_foreign_function: (
      name: number,
      nameSize: number,
      argument: number,
      size: number,
      out: number,
      sizeOut: number,
    ) => {
      const [text, bytes] = [vm.memory.read(name, nameSize), vm.memory.read(argument, size)];
      if (!text || !bytes) return STATUS_INVALID_MEMORY_ACCESS;
      const status = callForeign(vm.context, fromUtf8(text), bytes);
      if (status !== STATUS_NOT_FOUND && out !== 0 && sizeOut !== 0) vm.memory.give(new Uint8Array(0), out, sizeOut);
      return status;
    },
    // A host without clusters answers as Envoy does for a cluster that it does not know.
    proxy_http_call: () => STATUS_BAD_ARGUMENT,
    proxy_grpc_call: () => STATUS_UNIMPLEMENTED,
    proxy_grpc_stream: () => STATUS_UNIMPLEMENTED,
    proxy_grpc_send: () => STATUS_UNIMPLEMENTED,
    proxy_grpc_cancel: () => STATUS_UNIMPLEMENTED,
    proxy_grpc_close: () => STATUS_UNIMPLEMENTED,
    proxy_get_status: () => STATUS_UNIMPLEMENTED,
  };
}

/** Cuts a path at its NULs; Envoy takes one NUL at the end as no segment. */
function segments(path: string): string[] {
  const parts = path.split('\0');
  if (parts.length > 1 && parts.at(-1) === '') parts.pop();
  return parts;
}

function headers(vm: Instance): HostCalls {
  const text = (pointer: number, size: number): string | undefined => {
    const bytes = vm.memory.read(pointer, size);
    return bytes && fromLatin1(bytes);
  };
  const change = (type: number, apply: (map: HeaderMap) => void): number => {
    const map = vm.context.headerMap(type, true);
    if (!map) return STATUS_BAD_ARGUMENT;
    apply(map);
    if (type === HEADER_MAP_REQUEST) vm.context.clearRouteCache();
    return STATUS_OK;
  };
  const known = (type: number): boolean => type >>> 0 <= HEADER_MAP_CALL_RESPONSE_TRAILERS;
  const nameless = STATUS_INVALID_MEMORY_ACCESS;
  return {
    proxy_get_header_map_value: (type: number, name: number, nameSize: number, out: number, sizeOut: number) => {
      if (!known(type)) return STATUS_BAD_ARGUMENT;
      const key = text(name, nameSize);
      if (key === undefined) return nameless;
      const map = vm.context.headerMap(type, false);
      if (!map) return vm.context.logging ? STATUS_NOT_FOUND : STATUS_BAD_ARGUMENT;
      const value = map.get(key);
      return value === undefined ? STATUS_NOT_FOUND : done(vm.memory.give(latin1(value), out, sizeOut));
    },
    proxy_get_header_map_pairs: (type: number, out: number, sizeOut: number) => {
      if (!known(type)) return STATUS_BAD_ARGUMENT;
      // A map that is not there has no pairs: Envoy does not say it otherwise.
      const map = vm.context.headerMap(type, false);
      return done(vm.memory.give(encodePairs(map?.entries ?? []), out, sizeOut));
    },
    proxy_get_header_map_size: (type: number, out: number) => {
      if (!known(type)) return STATUS_BAD_ARGUMENT;
      const map = vm.context.headerMap(type, true);
      return map ? done(vm.memory.writeU32(out, map.byteSize)) : STATUS_BAD_ARGUMENT;
    },
    proxy_set_header_map_pairs: (type: number, pointer: number, size: number) => {
      if (!known(type)) return STATUS_BAD_ARGUMENT;
      const bytes = vm.memory.read(pointer, size);
      if (!bytes) return nameless;
      return change(type, (map) => {
        map.clear();
        for (const [name, value] of decodePairs(bytes)) map.add(name, value);
      });
    },
    proxy_add_header_map_value: (type: number, name: number, nameSize: number, value: number, size: number) => {
      if (!known(type)) return STATUS_BAD_ARGUMENT;
      const [key, val] = [text(name, nameSize), text(value, size)];
      if (key === undefined || val === undefined) return nameless;
      return change(type, (map) => map.add(key, val));
    },
    proxy_replace_header_map_value: (type: number, name: number, nameSize: number, value: number, size: number) => {
      if (!known(type)) return STATUS_BAD_ARGUMENT;
      const [key, val] = [text(name, nameSize), text(value, size)];
      if (key === undefined || val === undefined) return nameless;
      return change(type, (map) => map.replace(key, val));
    },
    proxy_remove_header_map_value: (type: number, name: number, nameSize: number) => {
      if (!known(type)) return STATUS_BAD_ARGUMENT;
      const key = text(name, nameSize);
      if (key === undefined) return nameless;
      return change(type, (map) => map.remove(key));
    },
  };
}

function buffers(vm: Instance): HostCalls {
  const find = (type: number): Body | undefined => {
    if (type >>> 0 > BUFFER_CALL_DATA) return undefined;
    return vm.context.buffer(type) ?? (type <= BUFFER_UPSTREAM_DATA ? NO_BODY : undefined);
  };
  const none = (type: number): number => (type >>> 0 <= BUFFER_CALL_DATA ? STATUS_NOT_FOUND : STATUS_BAD_ARGUMENT);
  return {
    proxy_get_buffer_bytes: (type: number, start: number, length: number, out: number, sizeOut: number) => {
      const body = find(type);
      if (!body) return none(type);
      const [from, count] = [start >>> 0, length >>> 0];
      if (from + count > 0xffffffff) return STATUS_BAD_ARGUMENT;
      const bytes = body.bytes.subarray(from, from + count);
      // Envoy leaves the outputs as they are when there is nothing to give.
      return bytes.length > 0 ? done(vm.memory.give(bytes, out, sizeOut)) : STATUS_OK;
    },
    proxy_get_buffer_status: (type: number, lengthOut: number, flagsOut: number) => {
      const body = find(type);
      if (!body) return none(type);
      return done(vm.memory.writeU32(lengthOut, body.bytes.length) && vm.memory.writeU32(flagsOut, 0));
    },
    proxy_set_buffer_bytes: (type: number, start: number, length: number, data: number, size: number) => {
      const body = find(type);
      if (!body) return none(type);
      const bytes = vm.memory.read(data, size);
      return bytes ? body.write(start >>> 0, length >>> 0, bytes) : STATUS_INVALID_MEMORY_ACCESS;
    },
  };
}

function streams(vm: Instance): HostCalls {
  return {
    proxy_continue_stream: (stream: number) =>
      stream >>> 0 <= STREAM_UPSTREAM ? vm.context.continueStream(stream) : STATUS_BAD_ARGUMENT,
    proxy_close_stream: (stream: number) =>
      stream >>> 0 <= STREAM_UPSTREAM ? vm.context.closeStream(stream) : STATUS_BAD_ARGUMENT,
    proxy_send_local_response: (
      status: number,
      details: number,
      detailsSize: number,
      body: number,
      bodySize: number,
      pairs: number,
      pairsSize: number,
      grpcStatus: number,
    ) => {
      const why = vm.memory.read(details, detailsSize);
      const text = vm.memory.read(body, bodySize);
      const added = vm.memory.read(pairs, pairsSize);
      if (!why || !text || !added) return STATUS_INVALID_MEMORY_ACCESS;
      const grpc = grpcStatus >>> 0;
      vm.nextIterationStopped = true;
      return vm.context.sendReply({
        status,
        details: fromUtf8(why),
        body: text,
        headers: decodePairs(added),
        grpcStatus: grpc === GRPC_STATUS_NONE ? undefined : grpc,
      });
    },
  };
}

function metrics(vm: Instance): HostCalls {
  return {
    proxy_define_metric: (type: number, name: number, size: number, out: number) => {
      const bytes = vm.memory.read(name, size);
      if (!bytes) return STATUS_INVALID_MEMORY_ACCESS;
      const id = vm.metricIds.define(type, fromUtf8(bytes));
      return id === undefined ? STATUS_BAD_ARGUMENT : done(vm.memory.writeU32(out, id));
    },
    proxy_increment_metric: (id: number, offset: bigint) => vm.metricIds.increment(id >>> 0, offset),
    proxy_record_metric: (id: number, value: bigint) => vm.metricIds.record(id >>> 0, value),
    proxy_get_metric: (id: number, out: number) => {
      const value = vm.metricIds.get(id >>> 0);
      return typeof value === 'bigint' ? done(vm.memory.writeU64(out, value)) : value;
    },
  };
}

function sharing(vm: Instance): HostCalls {
  const { data, queues, vmId } = vm.surroundings;
  const name = (pointer: number, size: number): string | undefined => {
    const bytes = vm.memory.read(pointer, size);
    return bytes && fromLatin1(bytes);
  };
  return {
    proxy_get_shared_data: (key: number, keySize: number, out: number, sizeOut: number, casOut: number) => {
      const text = name(key, keySize);
      if (text === undefined) return STATUS_INVALID_MEMORY_ACCESS;
      const entry = data.get(`${vmId}\0${text}`);
      if (!entry) return STATUS_NOT_FOUND;
      return done(vm.memory.give(entry.value, out, sizeOut) && vm.memory.writeU32(casOut, entry.cas));
    },
    proxy_set_shared_data: (key: number, keySize: number, value: number, size: number, cas: number) => {
      const [text, bytes] = [name(key, keySize), vm.memory.read(value, size)];
      if (text === undefined || !bytes) return STATUS_INVALID_MEMORY_ACCESS;
      return data.set(`${vmId}\0${text}`, bytes, cas >>> 0);
    },
    proxy_register_shared_queue: (queue: number, size: number, tokenOut: number) => {
      const text = name(queue, size);
      if (text === undefined) return STATUS_INVALID_MEMORY_ACCESS;
      return done(vm.memory.writeU32(tokenOut, queues.register(vmId, text, vm.context.rootId)));
    },
    proxy_resolve_shared_queue: (id: number, idSize: number, queue: number, size: number, tokenOut: number) => {
      const [owner, text] = [name(id, idSize), name(queue, size)];
      if (owner === undefined || text === undefined) return STATUS_INVALID_MEMORY_ACCESS;
      const token = queues.resolve(owner || vmId, text);
      return token === undefined ? STATUS_NOT_FOUND : done(vm.memory.writeU32(tokenOut, token));
    },
    proxy_enqueue_shared_queue: (token: number, value: number, size: number) => {
      const bytes = vm.memory.read(value, size);
      if (!bytes) return STATUS_INVALID_MEMORY_ACCESS;
      const owner = queues.enqueue(token >>> 0, bytes);
      if (owner === undefined) return STATUS_NOT_FOUND;
      vm.defer(() => {
        const context = vm.contexts.get(owner);
        if (!context) return;
        vm.call(context, 'proxy_on_queue_ready', owner, token);
        vm.settle();
      });
      return STATUS_OK;
    },
    proxy_dequeue_shared_queue: (token: number, out: number, sizeOut: number) => {
      const item = queues.dequeue(token >>> 0);
      return typeof item === 'number' ? item : done(vm.memory.give(item, out, sizeOut));
    },
  };
}
