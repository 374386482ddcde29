import { POSTING_DENSE, POSTING_SINGLE } from '../abi/authz.ts';

/** The conjuncts of a posting (see abi/authz.ts) that are in this word. */
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
    if (its == word) return load<u64>(record + 4 + ((<usize>head) << 2) + ((<usize>middle) << 3));
    if (its < word) low = middle + 1;
    else high = middle;
  }
  return 0;
}
