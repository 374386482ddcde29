import { DelayedStream } from './delayed.ts';

// The streams of this worker that wait, whatever root they belong to: a binary heap of pointers, the earliest deadline
// first. A stream knows its place, so that one whose client has gone is taken out without a search.

let capacity: u32 = 64;
let slots: usize = heap.alloc(<usize>capacity * 4);
let count: u32 = 0;

/** How many streams wait. */
export function waiting(): u32 {
  return count;
}

/** The stream that waits for the earliest deadline. There must be one. */
export function earliest(): DelayedStream {
  return at(1);
}

/** Puts a stream into the queue by its deadline. */
export function enqueue(stream: DelayedStream): void {
  if (count == capacity) grow();
  count++;
  put(count, stream);
  rise(count);
}

/** Takes a stream out of the queue, if it is there. */
export function dequeue(stream: DelayedStream): void {
  const place = stream.place;
  if (place == 0) return;
  stream.place = 0;
  const last = at(count);
  count--;
  if (place > count) return;
  put(place, last);
  rise(place);
  sink(last.place);
}

function rise(place: u32): void {
  const stream = at(place);
  for (; place > 1; place >>= 1) {
    const parent = at(place >> 1);
    if (parent.deadline <= stream.deadline) break;
    put(place, parent);
  }
  put(place, stream);
}

function sink(place: u32): void {
  const stream = at(place);
  for (;;) {
    let child = place << 1;
    if (child > count) break;
    if (child < count && at(child + 1).deadline < at(child).deadline) child++;
    if (stream.deadline <= at(child).deadline) break;
    put(place, at(child));
    place = child;
  }
  put(place, stream);
}

function at(place: u32): DelayedStream {
  return changetype<DelayedStream>(<usize>load<u32>(slots + ((<usize>place - 1) << 2)));
}

function put(place: u32, stream: DelayedStream): void {
  store<u32>(slots + ((<usize>place - 1) << 2), <u32>changetype<usize>(stream));
  stream.place = place;
}

function grow(): void {
  const larger = heap.alloc((<usize>capacity * 4) << 1);
  memory.copy(larger, slots, <usize>capacity * 4);
  heap.free(slots);
  slots = larger;
  capacity <<= 1;
}
