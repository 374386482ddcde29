import { HASH_FIRST, HASH_LANE, HASH_SECOND } from '#abi/authz.ts';
import type { ProgramWriter } from '../writer.ts';

/** A text (a binary string) and the atom it leads to, a number plus one. */
export interface ExactValue {
  readonly text: string;
  readonly atom: number;
}

export interface TableSection {
  readonly at: number;
  readonly size: number;
  readonly bits: number;
  readonly seed: number;
}

/** More records than this in a bucket, and another seed is tried. */
const BUCKET_MAX = 12;
const SEEDS = 8;

/** Writes the hash table (see filters/abi/authz.ts) of distinct texts. */
export function writeTable(writer: ProgramWriter, values: readonly ExactValue[]): TableSection {
  const bits = Math.max(1, Math.ceil(Math.log2(values.length)));
  const mask = 2 ** bits - 1;
  let seed = 0;
  let hashes: Uint32Array;
  while (true) {
    hashes = Uint32Array.from(values, ({ text }) => hashOf(text, seed));
    if (seed === SEEDS - 1 || largestBucket(hashes, bits) <= BUCKET_MAX) break;
    seed++;
  }
  const bucketOf = (index: number): number => (hashes[index] ?? 0) & mask;
  const order = Uint32Array.from(values.keys()).sort((a, b) => bucketOf(a) - bucketOf(b) || a - b);
  const at = writer.reserve(4 * (mask + 2));
  let next = 0;
  for (const index of order) {
    const value = values[index];
    if (value === undefined) continue;
    for (; next <= bucketOf(index); next++) writer.setU32(at + 4 * next, writer.size);
    writer.u32(hashes[index] ?? 0);
    writer.u32(value.text.length);
    writer.u32(value.atom);
    writer.binary(value.text);
  }
  for (; next <= mask + 1; next++) writer.setU32(at + 4 * next, writer.size);
  return { at, size: writer.size - at, bits, seed };
}

function largestBucket(hashes: Uint32Array, bits: number): number {
  const counts = new Uint32Array(2 ** bits);
  let largest = 0;
  for (const hash of hashes) {
    const bucket = hash & (counts.length - 1);
    const count = (counts[bucket] ?? 0) + 1;
    counts[bucket] = count;
    if (count > largest) largest = count;
  }
  return largest;
}

/** The hash that filters/authz/table.ts computes of the same bytes. */
export function hashOf(text: string, seed: number): number {
  const size = text.length;
  let a = seed ^ size;
  let b = (seed + HASH_LANE) | 0;
  let at = 0;
  for (; at + 8 <= size; at += 8) {
    a = Math.imul(rotate(a ^ fourBytes(text, at), 13), HASH_FIRST);
    b = Math.imul(rotate(b ^ fourBytes(text, at + 4), 17), HASH_SECOND);
  }
  a = Math.imul(rotate(a ^ fourBytes(text, at), 13), HASH_FIRST);
  if (size - at > 4) b = Math.imul(rotate(b ^ fourBytes(text, at + 4), 17), HASH_SECOND);
  let hash = a ^ rotate(b, 16);
  hash = Math.imul(hash ^ (hash >>> 16), HASH_FIRST);
  hash = Math.imul(hash ^ (hash >>> 13), HASH_SECOND);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

/** Past the end there are zeros: charCodeAt gives NaN there, which is 0 to bit operations. */
const fourBytes = (text: string, at: number): number =>
  text.charCodeAt(at) |
  (text.charCodeAt(at + 1) << 8) |
  (text.charCodeAt(at + 2) << 16) |
  (text.charCodeAt(at + 3) << 24);
