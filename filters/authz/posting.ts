import { POSTING_DENSE, POSTING_SINGLE } from '../abi/authz.ts';

// Postings (see abi/authz.ts): which conjuncts, by words of 64. A record is gone through by `wordAt` and `maskAt`, or
// asked about one word by `probe`.

/** How many words a record has. */
export function countOf(record: usize): u32 {
  return load<u32>(record) & ~POSTING_DENSE;
}

export function wordAt(record: usize, i: u32): u32 {
  const head = load<u32>(record);
  return (head & POSTING_DENSE) != 0 ? load<u32>(record, 4) + i : load<u32>(record + ((<usize>i) << 2), 4);
}

export function maskAt(record: usize, i: u32): u64 {
  const head = load<u32>(record);
  if ((head & POSTING_DENSE) != 0) return load<u64>(record + ((<usize>i) << 3), 8);
  return load<u64>(record + 4 + ((<usize>head) << 2) + ((<usize>i) << 3));
}

/** The conjuncts of a posting that are in this word. */
export function probe(base: usize, posting: u32, word: u32): u64 {
  if (posting == 0) return 0;
  if ((posting & POSTING_SINGLE) != 0) {
    const conjunct = posting & ~POSTING_SINGLE;
    return conjunct >> 6 == word ? (1 as u64) << (conjunct & 63) : 0;
  }
  const record = base + posting;
  const head = load<u32>(record);
  if ((head & POSTING_DENSE) != 0) {
    const i = word - load<u32>(record, 4);
    return i < (head & ~POSTING_DENSE) ? load<u64>(record + ((<usize>i) << 3), 8) : 0;
  }
  let low: u32 = 0;
  let high = head;
  while (low < high) {
    const middle = (low + high) >> 1;
    const its = load<u32>(record + ((<usize>middle) << 2), 4);
    if (its == word) return maskAt(record, middle);
    if (its < word) low = middle + 1;
    else high = middle;
  }
  return 0;
}
