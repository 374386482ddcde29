import { proxy_set_effective_context } from './env.ts';

/** What a context id of the host stands for: a root (`rootId` 0) or a stream. Records are found by their id. */
@unmanaged
export class Context {
  id: u32 = 0;
  rootId: u32 = 0;
}

// Open addressing, linear probing, at most half full, so that a search ends at an empty slot after a few steps and
// every loop is bounded by the table. The host counts ids upwards; multiplied by the golden ratio neighbours lie far
// apart, and a client that holds streams of its choice open gains nothing. Removal moves followers up: no tombstones,
// so the table's size depends on how many contexts lived at once and never on how many there were.

const GOLDEN: u32 = 0x9e3779b1;

let bits: u32 = 8;
let slots: usize = emptySlots(bits);
let count: u32 = 0;

function emptySlots(wantedBits: u32): usize {
  const size = (<usize>4) << wantedBits;
  const memoryOfSlots = heap.alloc(size);
  memory.fill(memoryOfSlots, 0, size);
  return memoryOfSlots;
}

function at(slot: u32): usize {
  return load<usize>(slots + <usize>slot * sizeof<usize>());
}

function set(slot: u32, context: usize): void {
  store<usize>(slots + <usize>slot * sizeof<usize>(), context);
}

function home(id: u32): u32 {
  return (id * GOLDEN) >> (32 - bits);
}

/** The context of the id, or 0. */
export function findContext(id: u32): usize {
  const mask = ((1 as u32) << bits) - 1;
  let slot = home(id);
  let context = at(slot);
  while (context != 0 && changetype<Context>(context).id != id) {
    slot = (slot + 1) & mask;
    context = at(slot);
  }
  return context;
}

/** Enters a context whose id is not in the table. */
export function addContext(context: Context): void {
  if (++count > (1 as u32) << (bits - 1)) grow();
  place(context);
}

function place(context: Context): void {
  const mask = ((1 as u32) << bits) - 1;
  let slot = home(context.id);
  while (at(slot) != 0) slot = (slot + 1) & mask;
  set(slot, changetype<usize>(context));
}

function grow(): void {
  const old = slots;
  const end = slots + (sizeof<usize>() << bits);
  slots = emptySlots(++bits);
  for (let slot = old; slot < end; slot += sizeof<usize>()) {
    const context = load<usize>(slot);
    if (context != 0) place(changetype<Context>(context));
  }
  heap.free(old);
}

/** Takes a context out; its record is the caller's. Gives 0 when the id is unknown. */
export function removeContext(id: u32): usize {
  const mask = ((1 as u32) << bits) - 1;
  let hole = home(id);
  let found: usize = 0;
  for (; ; hole = (hole + 1) & mask) {
    found = at(hole);
    if (found == 0) return 0;
    if (changetype<Context>(found).id == id) break;
  }
  count--;
  for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
    const follower = at(slot);
    if (follower == 0) break;
    // A follower may fill the hole unless its home lies after the hole.
    const distance = (slot - home(changetype<Context>(follower).id)) & mask;
    if (distance < ((slot - hole) & mask)) continue;
    set(hole, follower);
    hole = slot;
  }
  set(hole, 0);
  return found;
}

/** How many slots the table has. */
export function slotCount(): u32 {
  return (1 as u32) << bits;
}

/** The context in a slot, or 0. Removing it may move another into the slot, never one that was not yet come by. */
export function contextIn(slot: u32): usize {
  return at(slot);
}

/** How many contexts there are: for tests of leaks. */
export function contextCount(): u32 {
  return count;
}

/**
 * Makes the host calls that follow act for this context, not for the one whose callback runs. STATUS_BAD_ARGUMENT: there
 * is none.
 */
export function enter(id: u32): u32 {
  return proxy_set_effective_context(id);
}
