import { NUMBER_OUT, now } from './clock.ts';
import { clock_time_get } from './wasi_snapshot_preview1.ts';

const MONOTONIC: u32 = 1;

/**
 * Nanoseconds of a clock that nobody sets: for how long something took and how long it is to wait. Its zero means
 * nothing. About 0.07 us; the host's wall clock where there is no other.
 */
export function stopwatch(): u64 {
  return clock_time_get(MONOTONIC, 0, NUMBER_OUT) == 0 ? load<u64>(NUMBER_OUT) : now();
}
