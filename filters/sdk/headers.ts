import {
  proxy_add_header_map_value,
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from './env.ts';
import { Text } from './text.ts';
import { VALUE_OUT, take, value, valueSize } from './value.ts';

// A header map as the host serializes it. Every line of a repeated header is a pair of its own; names are in
// lower case; pseudo headers come as `:path`. It is scanned where it lies: nothing is copied.
//
//   ┌───────┬──────────────┬───────────────┬────┬─────────────────────────┬─────────────────────────┬────
//   │ count │ name 0 bytes │ value 0 bytes │ …  │ name 0 … NUL value 0 …  │ NUL name 1 … NUL        │ …
//   └───────┴──────────────┴───────────────┴────┴─────────────────────────┴─────────────────────────┴────
//     u32     u32            u32                   all texts, each followed by a NUL

let sizes: usize = 0;
let sizesEnd: usize = 0;
let texts: usize = 0;

export let headerName: usize = 0;
export let headerNameSize: u32 = 0;
export let headerValue: usize = 0;
export let headerValueSize: u32 = 0;

/**
 * Reads a whole map (HEADER_MAP_*): one call of about 0.55 us, whatever its size. Then `nextHeader` goes through it.
 * Gives the host's status; when it is not STATUS_OK there are no headers to go through.
 */
export function readHeaders(map: u32): u32 {
  const status = take(proxy_get_header_map_pairs(map, VALUE_OUT, VALUE_OUT + 4));
  if (valueSize >= 4) {
    rewind(value);
  } else {
    sizes = 0;
    sizesEnd = 0;
  }
  return status;
}

/** Goes back to before the first pair of the map that was serialized at `pairs`. */
export function rewind(pairs: usize): void {
  sizes = pairs + 4;
  sizesEnd = sizes + ((<usize>load<u32>(pairs)) << 3);
  texts = sizesEnd;
}

/** Moves to the next pair: `headerName`, `headerValue` and their sizes. False when there is none. */
export function nextHeader(): bool {
  if (sizes == sizesEnd) return false;
  headerNameSize = load<u32>(sizes);
  headerValueSize = load<u32>(sizes, 4);
  sizes += 8;
  headerName = texts;
  headerValue = texts + headerNameSize + 1;
  texts = headerValue + headerValueSize + 1;
  return true;
}

/**
 * Reads the first line of one header into `value` and `valueSize` of value.ts: about 0.48 us. Only for what cannot
 * be repeated, such as `:path`; a policy that reads a repeatable header this way can be bypassed by a second line.
 */
export function readFirstHeader(map: u32, name: Text): u32 {
  return take(proxy_get_header_map_value(map, name.pointer, name.size, VALUE_OUT, VALUE_OUT + 4));
}

export function addHeader(map: u32, name: Text, pointer: usize, size: u32): u32 {
  return proxy_add_header_map_value(map, name.pointer, name.size, pointer, size);
}

/** Sets a header, whatever lines of it there were. In request headers it clears Envoy's route cache. */
export function replaceHeader(map: u32, name: Text, pointer: usize, size: u32): u32 {
  return proxy_replace_header_map_value(map, name.pointer, name.size, pointer, size);
}

export function removeHeader(map: u32, name: Text): u32 {
  return proxy_remove_header_map_value(map, name.pointer, name.size);
}
