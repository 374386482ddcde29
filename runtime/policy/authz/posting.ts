import { POSTING_DENSE, POSTING_SINGLE } from '#abi/authz.ts';
import type { ProgramWriter } from '../writer.ts';

/** 64 conjuncts: which of them, in two halves of 32 bits. */
export interface Mask {
  low: number;
  high: number;
}

/** Sets the bit of a conjunct in the mask of its word. */
export function setBit(mask: Mask, conjunct: number): void {
  const bit = conjunct & 63;
  if (bit < 32) mask.low = (mask.low | (1 << bit)) >>> 0;
  else mask.high = (mask.high | (1 << (bit - 32))) >>> 0;
}

/** Writes the posting of ascending conjuncts, and gives what refers to it: see filters/abi/authz.ts. */
export function writePosting(writer: ProgramWriter, conjuncts: readonly number[]): number {
  const [first] = conjuncts;
  if (first === undefined) return 0;
  if (conjuncts.length === 1) return (POSTING_SINGLE | first) >>> 0;
  const words: number[] = [];
  const masks: Mask[] = [];
  for (const conjunct of conjuncts) {
    const word = Math.floor(conjunct / 64);
    if (words.at(-1) !== word) {
      words.push(word);
      masks.push({ low: 0, high: 0 });
    }
    const mask = masks.at(-1);
    if (mask) setBit(mask, conjunct);
  }
  const at = writer.size;
  const from = words[0] ?? 0;
  const span = (words.at(-1) ?? 0) - from + 1;
  if (span * 8 <= words.length * 12) {
    writer.u32((POSTING_DENSE | span) >>> 0);
    writer.u32(from);
    let next = 0;
    for (let word = from; word < from + span; word++) {
      const mask = words[next] === word ? masks[next++] : undefined;
      writer.u64(mask?.low ?? 0, mask?.high ?? 0);
    }
  } else {
    writer.u32(words.length);
    for (const word of words) writer.u32(word);
    for (const mask of masks) writer.u64(mask.low, mask.high);
  }
  return at;
}
