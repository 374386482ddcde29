// What the values of the request at hand have matched: for each attribute the addresses of its atoms' records.
//
// One set of lists serves all programs of the VM, for one request is decided at a time. Nothing is cleared between
// requests: what was written in an earlier one carries that one's epoch. One value never matches an atom twice, so only
// from the second value of an attribute on (a repeated header) stamps tell which atoms are in its list.

import { ATOM_SIZE, ATTRIBUTE_ATOM_COUNT, ATTRIBUTE_FIRST_ATOM } from '../abi/authz.ts';

let atomCapacity: u32 = 0;
let attributeCapacity: u32 = 0;
/** For each atom the epoch in which it was last matched. */
let stamps: usize = 0;
/** For each attribute, from its first atom's place on, the atoms it matched. */
let lists: usize = 0;
/** For each attribute: the epoch of its list, and the list's length. */
let slots: usize = 0;
/** The attributes that were looked at in this request, one after the other. */
let known: usize = 0;
let knownSize: u32 = 0;
let epoch: u32 = 0;
/** Records of the program's atoms. */
let atoms: usize = 0;

// Where `add` adds to.
let slot: usize = 0;
let list: usize = 0;
let room: u32 = 0;
let stamping: bool = false;

/** Makes room for a program with so many atoms and attributes. */
export function makeRoom(atomCount: u32, attributeCount: u32): void {
  if (atomCount > atomCapacity) {
    if (stamps != 0) {
      heap.free(stamps);
      heap.free(lists);
    }
    atomCapacity = atomCount;
    stamps = zeros((<usize>atomCount) << 2);
    lists = zeros((<usize>atomCount) << 2);
  }
  if (attributeCount > attributeCapacity) {
    if (slots != 0) {
      heap.free(slots);
      heap.free(known);
    }
    attributeCapacity = attributeCount;
    slots = zeros((<usize>attributeCount) << 3);
    known = zeros((<usize>attributeCount) << 2);
  }
}

function zeros(size: usize): usize {
  const at = heap.alloc(size);
  memory.fill(at, 0, size);
  return at;
}

/** Forgets what the request before matched; `records` are those of the atoms of the program that is asked now. */
export function beginRequest(records: usize): void {
  atoms = records;
  knownSize = 0;
  if (++epoch != 0) return;
  memory.fill(stamps, 0, (<usize>atomCapacity) << 2);
  memory.fill(slots, 0, (<usize>attributeCapacity) << 3);
  epoch = 1;
}

/** The attribute's values were looked at in this request. */
export function isKnown(attribute: u32): bool {
  return load<u32>(slots + ((<usize>attribute) << 3)) == epoch;
}

/** What `add` adds from now on is matched by a value of the attribute with this number and record. */
export function beginValue(attribute: u32, record: usize): void {
  slot = slots + ((<usize>attribute) << 3);
  list = lists + ((<usize>load<u32>(record, ATTRIBUTE_FIRST_ATOM)) << 2);
  room = load<u32>(record, ATTRIBUTE_ATOM_COUNT);
  stamping = false;
  if (load<u32>(slot) != epoch) {
    store<u32>(slot, epoch);
    store<u32>(slot, 0, 4);
    store<u32>(known + ((<usize>knownSize) << 2), attribute);
    knownSize++;
    return;
  }
  const count = load<u32>(slot, 4);
  if (count == 0) return;
  stamping = true;
  for (let i: u32 = 0; i < count; i++) {
    const number = (load<usize>(list + ((<usize>i) << 2)) - atoms) / ATOM_SIZE;
    store<u32>(stamps + (number << 2), epoch);
  }
}

/** The same for several values of the attribute, that are added one after the other. */
export function beginValues(attribute: u32, record: usize): void {
  beginValue(attribute, record);
  stamping = true;
}

/** Adds an atom (its number plus one). False: it was there, or a bad program leads to one atom twice and the list is full. */
export function add(atom: u32): bool {
  const number = atom - 1;
  if (stamping) {
    const stamp = stamps + ((<usize>number) << 2);
    if (load<u32>(stamp) == epoch) return false;
    store<u32>(stamp, epoch);
  }
  const count = load<u32>(slot, 4);
  if (count == room) return false;
  store<usize>(list + ((<usize>count) << 2), atoms + <usize>number * ATOM_SIZE);
  store<u32>(slot, count + 1, 4);
  return true;
}

/** How many atoms an attribute matched. Of an attribute that is known. */
export function matchedCount(attribute: u32): u32 {
  return load<u32>(slots + ((<usize>attribute) << 3), 4);
}

/** The list of the attribute with this record: addresses of atoms. */
export function matchedList(record: usize): usize {
  return lists + ((<usize>load<u32>(record, ATTRIBUTE_FIRST_ATOM)) << 2);
}

/** How many attributes were looked at. */
export function knownCount(): u32 {
  return knownSize;
}

/** The attribute that was looked at as the `i`th. */
export function knownAttribute(i: u32): u32 {
  return load<u32>(known + ((<usize>i) << 2));
}
