import { STATUS_BAD_ARGUMENT, STATUS_NOT_FOUND, STATUS_OK } from './abi.ts';
import type { Context } from './context.ts';
import { fromUtf8 } from './memory.ts';

/**
 * The functions that Envoy offers beyond the ABI, as far as a filter of ours could use them. An unknown name is
 * STATUS_NOT_FOUND, as in Envoy.
 */
export function callForeign(context: Context, name: string, argument: Uint8Array): number {
  switch (name) {
    case 'clear_route_cache':
      context.clearRouteCache();
      return STATUS_OK;
    case 'set_envoy_filter_state': {
      const fields = readStrings(argument);
      const [key, value] = [fields?.get(1), fields?.get(2)];
      return key === undefined ? STATUS_BAD_ARGUMENT : context.setFilterState(key, value ?? '');
    }
    case 'declare_property':
      return STATUS_OK;
    default:
      return STATUS_NOT_FOUND;
  }
}

/** The text fields of a protobuf message by number; undefined when the bytes are none. */
function readStrings(bytes: Uint8Array): Map<number, string> | undefined {
  const fields = new Map<number, string>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) return NaN;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if (Number.isNaN(value) || ((tag & 7) !== 0 && (tag & 7) !== 2)) return undefined;
    if ((tag & 7) === 0) continue;
    if (at + value > bytes.length) return undefined;
    fields.set(tag >>> 3, fromUtf8(bytes.subarray(at, at + value)));
    at += value;
  }
  return fields;
}
