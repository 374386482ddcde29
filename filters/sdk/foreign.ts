import { proxy_call_foreign_function } from './env.ts';
import { Text } from './text.ts';
import { VALUE_OUT, take } from './value.ts';

/**
 * Calls a function that Envoy offers beyond the ABI (`clear_route_cache`, `set_envoy_filter_state`, …) with its
 * argument's bytes, usually a serialized message. What it answers lies in `value` and `valueSize` of value.ts.
 */
export function callForeign(name: Text, argument: usize, size: u32): u32 {
  store<u64>(VALUE_OUT, 0);
  return take(proxy_call_foreign_function(name.pointer, name.size, argument, size, VALUE_OUT, VALUE_OUT + 4));
}
