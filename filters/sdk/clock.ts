import { proxy_get_current_time_nanoseconds, proxy_set_tick_period_milliseconds } from './env.ts';

export const NUMBER_OUT: usize = memory.data(8, 8);

/** Nanoseconds since 1970, by the host's clock. About 0.07 us; 0 when the host has none. */
export function now(): u64 {
  return proxy_get_current_time_nanoseconds(NUMBER_OUT) == 0 ? load<u64>(NUMBER_OUT) : 0;
}

/**
 * Has `onTick` called every `milliseconds` for the root in whose context this is called; 0 stops it.
 * From a stream's callback call `enter(root.id)` of context.ts first.
 */
export function tickEvery(milliseconds: u32): u32 {
  return proxy_set_tick_period_milliseconds(milliseconds);
}
