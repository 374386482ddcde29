import {
  HASH_FIRST,
  HASH_LANE,
  HASH_SECOND,
  TABLE_ATOM,
  TABLE_HASH,
  TABLE_TEXT,
  TABLE_TEXT_SIZE,
} from '../abi/authz.ts';
import { equalBytes } from '../sdk/text.ts';
import { add } from './matched.ts';

/** The hash of abi/authz.ts, which runtime/policy/authz/exact-table.ts computes too. */
function hashOf(text: usize, size: u32, seed: u32): u32 {
  let a = seed ^ size;
  let b = seed + HASH_LANE;
  const end = text + (size & ~7);
  while (text < end) {
    a = rotl(a ^ load<u32>(text), 13) * HASH_FIRST;
    b = rotl(b ^ load<u32>(text, 4), 17) * HASH_SECOND;
    text += 8;
  }
  const rest = size & 7;
  a = rotl(a ^ partial(text, min(rest, 4)), 13) * HASH_FIRST;
  if (rest > 4) b = rotl(b ^ partial(text + 4, rest - 4), 17) * HASH_SECOND;
  let hash = a ^ rotl(b, 16);
  hash = (hash ^ (hash >> 16)) * HASH_FIRST;
  hash = (hash ^ (hash >> 13)) * HASH_SECOND;
  return hash ^ (hash >> 16);
}

/** Up to four bytes as a number. */
function partial(text: usize, size: u32): u32 {
  if (size == 4) return load<u32>(text);
  let value: u32 = 0;
  for (let i: u32 = 0; i < size; i++) value |= (<u32>load<u8>(text + i)) << (i << 3);
  return value;
}

/** Adds the atom of a value that is in the table. */
export function searchTable(base: usize, table: u32, bits: u32, seed: u32, value: usize, size: u32): void {
  const hash = hashOf(value, size, seed);
  const bucket = base + table + ((<usize>(hash & (((1 as u32) << bits) - 1))) << 2);
  let record = base + load<u32>(bucket);
  const end = base + load<u32>(bucket, 4);
  while (record < end) {
    const textSize = load<u32>(record, TABLE_TEXT_SIZE);
    if (load<u32>(record, TABLE_HASH) == hash && textSize == size && equalBytes(record + TABLE_TEXT, value, size)) {
      add(load<u32>(record, TABLE_ATOM));
      return;
    }
    record += TABLE_TEXT + textSize;
  }
}
