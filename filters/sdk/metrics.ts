import { proxy_define_metric, proxy_get_metric, proxy_increment_metric, proxy_record_metric } from './env.ts';
import { NUMBER_OUT } from './clock.ts';

/** No metric has this id: what `defineMetric` gives when the host refuses. */
export const METRIC_NONE: u32 = 0xffffffff;

const idOut: usize = memory.data(4, 4);

/** Defines a metric (METRIC_* of abi/proxy.ts) or finds it by its name; gives its id. Slow: keep the id. */
export function defineMetric(type: u32, name: usize, size: u32): u32 {
  return proxy_define_metric(type, name, size, idOut) == 0 ? load<u32>(idOut) : METRIC_NONE;
}

/** Adds to a counter or gauge. About 0.06 us. */
export function increment(id: u32, offset: i64): u32 {
  return proxy_increment_metric(id, offset);
}

/** Sets a gauge, or adds a value to a histogram. About 0.07 us. */
export function record(id: u32, value: u64): u32 {
  return proxy_record_metric(id, value);
}

/** The value of a counter or gauge; 0 when there is none. */
export function metricValue(id: u32): u64 {
  return proxy_get_metric(id, NUMBER_OUT) == 0 ? load<u64>(NUMBER_OUT) : 0;
}
