import { METRIC_COUNTER, METRIC_HISTOGRAM } from '../abi/proxy.ts';
import { hash } from '../sdk/hash.ts';
import { defineMetric } from '../sdk/metrics.ts';
import { Text, text } from '../sdk/text.ts';
import { LABELS_MAX, writeLabels } from './evaluate.ts';

const REQUESTS = text('istio_requests_total');
const DURATION = text('istio_request_duration_milliseconds');
const REQUEST_BYTES = text('istio_request_bytes');
const RESPONSE_BYTES = text('istio_response_bytes');
const NAME_MAX: u32 = 64;

const name: usize = heap.alloc(NAME_MAX + LABELS_MAX);

/** The four metrics of one set of labels. */
@unmanaged
export class Series {
  hash: u64 = 0;
  key: usize = 0;
  keySize: u32 = 0;
  requests: u32 = 0;
  duration: u32 = 0;
  requestBytes: u32 = 0;
  responseBytes: u32 = 0;
}

// Every series that this worker has met, whatever root met it: open addressing, linear probing, at most half full.
// The host never frees a metric, so nothing is ever taken out; the limit of the program that asks bounds the table.

let bits: u32 = 8;
let slots: usize = emptySlots(bits);
let count: u32 = 0;

/** The series of a key, made when it is new. 0 when it is new and there are `limit` series already. */
export function findSeries(key: usize, keySize: u32, limit: u32): usize {
  const itsHash = hash(key, keySize, 0);
  const mask = ((1 as u32) << bits) - 1;
  for (let slot = <u32>itsHash & mask; ; slot = (slot + 1) & mask) {
    const found = <usize>load<u32>(slots + ((<usize>slot) << 2));
    if (found == 0) break;
    const series = changetype<Series>(found);
    if (series.hash == itsHash && series.keySize == keySize && memory.compare(series.key, key, keySize) == 0)
      return found;
  }
  if (count >= limit) return 0;
  if (++count > (1 as u32) << (bits - 1)) grow();
  const series = createSeries(key, keySize);
  series.hash = itsHash;
  place(series);
  return changetype<usize>(series);
}

/** A series that is not in the table. */
export function createSeries(key: usize, keySize: u32): Series {
  const series = changetype<Series>(heap.alloc(offsetof<Series>()));
  series.key = heap.alloc(keySize);
  memory.copy(series.key, key, keySize);
  series.keySize = keySize;
  series.requests = define(METRIC_COUNTER, REQUESTS, key, keySize);
  series.duration = define(METRIC_HISTOGRAM, DURATION, key, keySize);
  series.requestBytes = define(METRIC_HISTOGRAM, REQUEST_BYTES, key, keySize);
  series.responseBytes = define(METRIC_HISTOGRAM, RESPONSE_BYTES, key, keySize);
  return series;
}

function define(type: u32, metric: Text, key: usize, keySize: u32): u32 {
  memory.copy(name, metric.pointer, metric.size);
  return defineMetric(type, name, metric.size + writeLabels(name + metric.size, key, keySize));
}

function place(series: Series): void {
  const mask = ((1 as u32) << bits) - 1;
  let slot = <u32>series.hash & mask;
  while (load<u32>(slots + ((<usize>slot) << 2)) != 0) slot = (slot + 1) & mask;
  store<u32>(slots + ((<usize>slot) << 2), <u32>changetype<usize>(series));
}

function grow(): void {
  const old = slots;
  const end = slots + ((<usize>4) << bits);
  slots = emptySlots(++bits);
  for (let at = old; at < end; at += 4) {
    const series = load<u32>(at);
    if (series != 0) place(changetype<Series>(<usize>series));
  }
  heap.free(old);
}

function emptySlots(wantedBits: u32): usize {
  const size = (<usize>4) << wantedBits;
  const memoryOfSlots = heap.alloc(size);
  memory.fill(memoryOfSlots, 0, size);
  return memoryOfSlots;
}
