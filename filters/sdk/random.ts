import { now } from './clock.ts';
import { random_get } from './wasi_snapshot_preview1.ts';

// Splitmix64 (Steele, Lea, Flood 2014): one addition and one mix a number, equidistributed, passes BigCrush.
// One state a VM, and so one a worker: what one root draws does not repeat what another drew.

const GAMMA: u64 = 0x9e3779b97f4a7c15;
const seed: usize = memory.data(8, 8);
let state: u64 = 0;
let seeded: bool = false;

/** Seeds the generator from the host's randomness, or its clock when it has none. Call it when a root is configured. */
export function seedRandom(): void {
  if (seeded) return;
  seeded = true;
  state = random_get(seed, 8) == 0 ? load<u64>(seed) : now();
}

/** The next 64 random bits. Not for secrets. */
export function random(): u64 {
  state += GAMMA;
  return mix(state);
}

/** A random number below `limit`; its bias is below 2^-32. */
export function randomBelow(limit: u32): u32 {
  return scale(random(), limit);
}

/** The high half of `bits` scaled to 0 … limit - 1. */
export function scale(bits: u64, limit: u32): u32 {
  return <u32>(((bits >> 32) * <u64>limit) >> 32);
}

/** Stafford's variant 13 of the murmur finalizer: every bit of the result depends on every bit of `bits`. */
export function mix(bits: u64): u64 {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
  return bits ^ (bits >> 31);
}
