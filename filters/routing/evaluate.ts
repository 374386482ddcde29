import {
  BACKEND_DRAW,
  BACKEND_SEED,
  BACKEND_SHARE,
  BACKEND_SIZE,
  SPLIT_BACKENDS,
  SPLIT_COUNT,
} from '../abi/routing.ts';
import { hash } from '../sdk/hash.ts';
import { mix, scale } from '../sdk/random.ts';

// An urn holds, for every backend of a split, as many balls as its share. A request takes one and does not put it
// back; an empty urn is filled again. So of as many requests as there are balls every backend gets exactly its share.
//
//   0      4        8
//   ┌──────┬────────┬────────┬────
//   │ left │ left 0 │ left 1 │ …
//   └──────┴────────┴────────┴────

/** Bytes of the urn of a split of `count` backends. */
export function urnSize(count: u32): u32 {
  return 4 + count * 4;
}

/** Takes a ball out of the urn, and gives the draw of the backend that it belongs to. `bits` are random. */
export function drawFromUrn(split: usize, urn: usize, bits: u64): u32 {
  if (load<u32>(urn) == 0) fill(split, urn);
  const left = load<u32>(urn);
  store<u32>(urn, left - 1);
  let ball = scale(bits, left);
  const last = load<u32>(split, SPLIT_COUNT) - 1;
  let i: u32 = 0;
  for (; i < last; i++) {
    const balls = load<u32>(urn + 4 + i * 4);
    if (ball < balls) break;
    ball -= balls;
  }
  const place = urn + 4 + i * 4;
  store<u32>(place, load<u32>(place) - 1);
  return load<u32>(backend(split, i), BACKEND_DRAW);
}

function fill(split: usize, urn: usize): void {
  const count = load<u32>(split, SPLIT_COUNT);
  let left: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const share = load<u32>(backend(split, i), BACKEND_SHARE);
    store<u32>(urn + 4 + i * 4, share);
    left += share;
  }
  store<u32>(urn, left);
}

/**
 * The draw for a value that is to stay on one backend: weighted rendezvous hashing (Schindelhauer, Schomaker 2005).
 * Every backend waits for the value an exponential time of rate `share`; the first wins. A changed share moves only
 * values from or to that backend, and routes with the same backends and shares send a value to the same one.
 */
export function drawSticky(split: usize, value: usize, size: u32): u32 {
  const key = hash(value, size, 0);
  const count = load<u32>(split, SPLIT_COUNT);
  let winner = backend(split, 0);
  let least = Infinity;
  for (let i: u32 = 0; i < count; i++) {
    const candidate = backend(split, i);
    const bits = mix(key ^ load<u64>(candidate, BACKEND_SEED)) >> 11;
    // In (0, 1): half a step off, so that the logarithm is finite.
    const uniform = (<f64>bits + 0.5) * (1.0 / 9007199254740992.0);
    const wait = -Math.log(uniform) / <f64>load<u32>(candidate, BACKEND_SHARE);
    if (wait < least) {
      least = wait;
      winner = candidate;
    }
  }
  return load<u32>(winner, BACKEND_DRAW);
}

function backend(split: usize, i: u32): usize {
  return split + SPLIT_BACKENDS + i * BACKEND_SIZE;
}
