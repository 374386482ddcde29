import { PARTIES_LINE_END, PARTIES_PART_END } from '../abi/metrics.ts';

// Who calls whom, as the listener says it in three lines (abi/metrics.ts). What is not there has size 0.

export let host: usize = 0;
export let hostSize: u32 = 0;
export let name: usize = 0;
export let nameSize: u32 = 0;
export let namespace: usize = 0;
export let namespaceSize: u32 = 0;
export let baggage: usize = 0;
export let baggageSize: u32 = 0;
export let principal: usize = 0;
export let principalSize: u32 = 0;

/** Finds the parts. Nothing is copied. */
export function readParties(pointer: usize, size: u32): void {
  const end = pointer + size;
  const service = pointer;
  const serviceEnd = find(service, end, PARTIES_LINE_END);
  baggage = after(serviceEnd, end);
  const baggageEnd = find(baggage, end, PARTIES_LINE_END);
  baggageSize = <u32>(baggageEnd - baggage);
  principal = after(baggageEnd, end);
  principalSize = <u32>(end - principal);
  host = service;
  const hostEnd = find(host, serviceEnd, PARTIES_PART_END);
  hostSize = <u32>(hostEnd - host);
  name = after(hostEnd, serviceEnd);
  const nameEnd = find(name, serviceEnd, PARTIES_PART_END);
  nameSize = <u32>(nameEnd - name);
  namespace = after(nameEnd, serviceEnd);
  namespaceSize = <u32>(serviceEnd - namespace);
}

/** Where the byte stands first, or `end`. */
function find(at: usize, end: usize, byte: u8): usize {
  while (at < end && load<u8>(at) != byte) at++;
  return at;
}

/** Behind the byte that ended something. */
function after(at: usize, end: usize): usize {
  return at < end ? at + 1 : end;
}
