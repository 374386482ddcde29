// What Envoy's host costs by itself: the floor under every filter in the benchmark. With a configuration it reads what
// authz must read at the least, the path and the caller; without one it does nothing. Of the layer it has the room that
// the host writes to and nothing else: no contexts, no programs. Never published.

import { ACTION_CONTINUE, HEADER_MAP_REQUEST } from '../abi/proxy.ts';
import { proxy_get_header_map_value, proxy_get_property } from '../sdk/env.ts';
import { reset } from '../sdk/memory.ts';
import '../sdk/abort.ts';
import { PEER_PRINCIPAL } from '../sdk/properties.ts';
import { text } from '../sdk/text.ts';

export { proxy_on_memory_allocate } from '../sdk/memory';

const PATH = text(':path');
const out: usize = memory.data(8, 8);
let reads: bool = false;

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_context_create(id: u32, parent: u32): void {}

export function proxy_on_configure(id: u32, size: u32): u32 {
  reads = size > 0;
  return 1;
}

export function proxy_on_request_headers(id: u32, count: u32, endOfStream: u32): u32 {
  reset();
  if (reads) {
    proxy_get_header_map_value(HEADER_MAP_REQUEST, PATH.pointer, PATH.size, out, out + 4);
    proxy_get_property(PEER_PRINCIPAL.pointer, PEER_PRINCIPAL.size, out, out + 4);
  }
  return ACTION_CONTINUE;
}
