import {
  ATTRIBUTE_FIRST_ATOM,
  ATTRIBUTE_PARENTS,
  ATTRIBUTE_RANGES_4,
  ATTRIBUTE_RANGES_4_COUNT,
  ATTRIBUTE_RANGES_6,
  ATTRIBUTE_RANGES_6_COUNT,
  RANGE_4_SIZE,
  RANGE_6_SIZE,
} from '../abi/authz.ts';
import { add } from './matched.ts';

// The address that was read last: IPv6 as two halves, IPv4 in the low half.
let family: u32 = 0;
let high: u64 = 0;
let low: u64 = 0;

/** Where the port's digits begin in what was read last; its end when there is no port. */
export let portAt: u32 = 0;

/**
 * Reads `10.0.0.1:80`, `[2001:db8::1]:80`, each also without port. An IPv4 address in the form of IPv6 is IPv4. False
 * when it is neither, as for a Unix socket.
 */
export function readAddress(text: usize, size: u32): bool {
  if (size > 0 && load<u8>(text) == 0x5b /* [ */) {
    let end: u32 = 1;
    while (end < size && load<u8>(text + end) != 0x5d /* ] */) end++;
    if (end == size) return false;
    portAt = min(end + 2, size);
    return read6(text + 1, end - 1);
  }
  let colons = 0;
  let colon: u32 = size;
  for (let i: u32 = 0; i < size; i++) {
    if (load<u8>(text + i) != 0x3a) continue;
    colon = i;
    colons++;
  }
  portAt = colons == 1 ? colon + 1 : size;
  return colons > 1 ? read6(text, size) : read4(text, colon);
}

function read4(text: usize, size: u32): bool {
  let value: u32 = 0;
  let part: u32 = 0;
  let digits = 0;
  let parts = 0;
  for (let i: u32 = 0; i <= size; i++) {
    const byte: u32 = i < size ? load<u8>(text + i) : 0x2e;
    if (byte == 0x2e) {
      if (digits == 0 || ++parts > 4) return false;
      value = (value << 8) | part;
      part = 0;
      digits = 0;
    } else {
      part = part * 10 + (byte - 0x30);
      if (byte < 0x30 || byte > 0x39 || ++digits > 3 || part > 255) return false;
    }
  }
  family = 4;
  high = 0;
  low = value;
  return parts == 4;
}

const GROUPS: usize = memory.data(16, 8);

function read6(text: usize, size: u32): bool {
  let count = 0;
  let gap = -1;
  let i: u32 = 0;
  if (size >= 2 && load<u16>(text) == 0x3a3a) {
    gap = 0;
    i = 2;
  }
  while (i < size && load<u8>(text + i) != 0x25 /* % zone */) {
    if (count == 8) return false;
    let group: u32 = 0;
    const start = i;
    for (; i < size; i++) {
      const digit = hexDigit(load<u8>(text + i));
      if (digit > 15) break;
      if (i - start == 4) return false;
      group = (group << 4) | digit;
    }
    if (i < size && load<u8>(text + i) == 0x2e) {
      if (count > 6 || !read4(text + start, size - start)) return false;
      putGroup(count++, <u32>low >> 16);
      putGroup(count++, <u32>low & 0xffff);
      break;
    }
    if (i == start) return false;
    putGroup(count++, group);
    if (i == size || load<u8>(text + i) == 0x25) break;
    if (load<u8>(text + i++) != 0x3a) return false;
    if (i < size && load<u8>(text + i) == 0x3a) {
      if (gap >= 0) return false;
      gap = count;
      i++;
    } else if (i == size) {
      return false;
    }
  }
  if (gap < 0 ? count != 8 : count > 7) return false;
  collect(count, gap < 0 ? count : gap);
  return true;
}

function putGroup(index: i32, group: u32): void {
  store<u16>(GROUPS + ((<usize>index) << 1), <u16>group);
}

/** Puts the groups in place, with zeros where `::` stood. */
function collect(count: i32, gap: i32): void {
  high = 0;
  low = 0;
  const missing = 8 - count;
  for (let i = 0; i < 8; i++) {
    let group: u64 = 0;
    if (i < gap) group = load<u16>(GROUPS + ((<usize>i) << 1));
    else if (i >= gap + missing) group = load<u16>(GROUPS + ((<usize>(i - missing)) << 1));
    if (i < 4) high = (high << 16) | group;
    else low = (low << 16) | group;
  }
  family = 6;
  if (high == 0 && low >> 32 == 0xffff) {
    family = 4;
    low &= 0xffffffff;
  }
}

function hexDigit(byte: u8): u32 {
  const digit: u32 = <u32>byte - 0x30;
  if (digit < 10) return digit;
  const letter: u32 = (<u32>byte | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : 16;
}

/** Adds the atoms of all blocks of the attribute that contain the address that was read last. */
export function searchBlocks(base: usize, record: usize): void {
  let atom = family == 4 ? narrowest4(base, record) : narrowest6(base, record);
  const first = load<u32>(record, ATTRIBUTE_FIRST_ATOM);
  const parents = base + load<u32>(record, ATTRIBUTE_PARENTS);
  while (atom != 0 && add(atom)) atom = load<u32>(parents + ((<usize>(atom - 1 - first)) << 2));
}

function narrowest4(base: usize, record: usize): u32 {
  const ranges = base + load<u32>(record, ATTRIBUTE_RANGES_4);
  let from: u32 = 0;
  let to = load<u32>(record, ATTRIBUTE_RANGES_4_COUNT);
  if (to == 0) return 0;
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    if (load<u32>(ranges + <usize>middle * RANGE_4_SIZE) <= <u32>low) from = middle;
    else to = middle;
  }
  return load<u32>(ranges + <usize>from * RANGE_4_SIZE, 4);
}

function narrowest6(base: usize, record: usize): u32 {
  const ranges = base + load<u32>(record, ATTRIBUTE_RANGES_6);
  let from: u32 = 0;
  let to = load<u32>(record, ATTRIBUTE_RANGES_6_COUNT);
  if (to == 0) return 0;
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    const range = ranges + <usize>middle * RANGE_6_SIZE;
    const itsHigh = load<u64>(range);
    if (itsHigh < high || (itsHigh == high && load<u64>(range, 8) <= low)) from = middle;
    else to = middle;
  }
  return load<u32>(ranges + <usize>from * RANGE_6_SIZE, 16);
}
