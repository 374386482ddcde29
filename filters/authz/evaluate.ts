import {
  ATOM_ANCHOR,
  ATOM_NEGATIVE,
  ATOM_POSITIVE,
  ATOM_SIZE,
  ATTRIBUTE_SIZE,
  AUTHZ_ALLOWS,
  AUTHZ_CLOSED,
  ENTRY_ATTRIBUTE,
  ENTRY_NEGATIVE,
  ENTRY_POSITIVE,
  ENTRY_SIZE,
  POSTING_SINGLE,
} from '../abi/authz.ts';
import { isKnown, matchedCount, matchedList } from './matched.ts';
import { countOf, maskAt, probe, wordAt } from './posting.ts';
import { OpenProgram } from './program.ts';
import { know, openRequest, unreadable } from './request.ts';

/** No rule: nothing denied, or nothing allowed. */
export const NO_RULE: i32 = -1;

let opened: OpenProgram = changetype<OpenProgram>(0);
/** Of the conjuncts found to hold the first rule, or the one conjunct if any will do. */
let bestRule: u32 = 0;
let anyConjunct: usize = 0;
let firstWord: u32 = 0;
let endWord: u32 = 0;
/** The rule that comes first of all that hold is wanted, not just any. */
let exhaustive: bool = false;

let decided: bool = false;

/** The rule that decided, by its number in the program's rule table, or NO_RULE. Of the program that just decided. */
export function decidedRule(): i32 {
  if (!decided) return NO_RULE;
  return <i32>(exhaustive ? bestRule : load<u32>(opened.rules + (anyConjunct << 2)));
}

/**
 * Decides the request at hand: DENY rules before ALLOW rules. `explain`: of the ALLOW rules that hold the first is
 * found, at more cost; of DENY rules it always is. Denies when anything that matters could not be read.
 */
export function isAllowed(program: OpenProgram, explain: bool): bool {
  decided = false;
  if ((program.flags & AUTHZ_CLOSED) != 0) return false;
  opened = program;
  openRequest(program);
  const anchored = program.anchored;
  for (let attribute: u32 = 0; attribute < anchored; attribute++) {
    if (!isKnown(attribute)) know(attribute);
  }
  if (program.denyWords > 0 && anyHolds(0, program.denyWords, true)) {
    decided = true;
    return false;
  }
  if ((program.flags & AUTHZ_ALLOWS) == 0) return !unreadable;
  if (!anyHolds(program.denyWords, program.activeWords, explain) || unreadable) return false;
  decided = true;
  return true;
}

/** Any conjunct of words [first, end) holds. */
function anyHolds(first: u32, end: u32, all: bool): bool {
  firstWord = first;
  endWord = end;
  exhaustive = all;
  bestRule = u32.MAX_VALUE;
  if (first == end) return false;
  if (candidates(opened.always)) return true;
  const anchored = opened.anchored;
  for (let attribute: u32 = 0; attribute < anchored; attribute++) {
    const count = matchedCount(attribute);
    if (count == 0) continue;
    const list = matchedList(opened.attributes + <usize>attribute * ATTRIBUTE_SIZE);
    for (let i: u32 = 0; i < count; i++) {
      const atom = opened.atoms + <usize>load<u32>(list + ((<usize>i) << 2)) * ATOM_SIZE;
      if (candidates(load<u32>(atom, ATOM_ANCHOR))) return true;
    }
  }
  return bestRule != u32.MAX_VALUE;
}

/** Looks at every word of a posting. True: a conjunct holds, and any will do. */
function candidates(posting: u32): bool {
  if (posting == 0) return false;
  if ((posting & POSTING_SINGLE) != 0) {
    const conjunct = posting & ~POSTING_SINGLE;
    return candidate(conjunct >> 6, (1 as u64) << (conjunct & 63));
  }
  const record = opened.base + posting;
  const count = countOf(record);
  for (let i: u32 = 0; i < count; i++) {
    const mask = maskAt(record, i);
    if (mask != 0 && candidate(wordAt(record, i), mask)) return true;
  }
  return false;
}

function candidate(word: u32, mask: u64): bool {
  if (word < firstWord || word >= endWord) return false;
  mask = surviving(word, mask);
  while (mask != 0) {
    const conjunct = ((<usize>word) << 6) + <usize>ctz(mask);
    mask &= mask - 1;
    if (opened.links != 0 && !linksHold(load<u32>(opened.links + (conjunct << 2)))) continue;
    if (!exhaustive) {
      anyConjunct = conjunct;
      return true;
    }
    bestRule = min(bestRule, load<u32>(opened.rules + (conjunct << 2)));
  }
  return false;
}

/** Of the conjuncts in the mask those all of whose clauses hold. */
function surviving(word: u32, mask: u64): u64 {
  const index = opened.wordIndex + ((<usize>word) << 2);
  let entry = opened.entries + <usize>load<u32>(index) * ENTRY_SIZE;
  const end = opened.entries + <usize>load<u32>(index, 4) * ENTRY_SIZE;
  for (; entry < end; entry += ENTRY_SIZE) {
    const positive = load<u64>(entry, ENTRY_POSITIVE);
    const negative = load<u64>(entry, ENTRY_NEGATIVE);
    if ((mask & (positive | negative)) == 0) continue;
    const attribute = load<u32>(entry, ENTRY_ATTRIBUTE);
    if (!isKnown(attribute)) know(attribute);
    let held: u64 = 0;
    let refused: u64 = 0;
    const count = matchedCount(attribute);
    const list = matchedList(opened.attributes + <usize>attribute * ATTRIBUTE_SIZE);
    for (let i: u32 = 0; i < count; i++) {
      const atom = opened.atoms + <usize>load<u32>(list + ((<usize>i) << 2)) * ATOM_SIZE;
      if (positive != 0) held |= probe(opened.base, load<u32>(atom, ATOM_POSITIVE), word);
      if (negative != 0) refused |= probe(opened.base, load<u32>(atom, ATOM_NEGATIVE), word);
    }
    mask &= ~(positive & ~held) & ~refused;
    if (mask == 0) return 0;
  }
  return mask;
}

/** Of each range that the record names one conjunct holds. */
function linksHold(record: u32): bool {
  if (record == 0) return true;
  let link = opened.base + record;
  const count = load<u32>(link);
  for (let i: u32 = 0; i < count; i++) {
    if (!rangeHolds(load<u32>(link, 4), load<u32>(link, 8))) return false;
    link += 8;
  }
  return true;
}

function rangeHolds(from: u32, to: u32): bool {
  while (from < to) {
    const word = from >> 6;
    const end = min(to, (word + 1) << 6);
    const width = end - from;
    const ones = width == 64 ? u64.MAX_VALUE : ((1 as u64) << width) - 1;
    if (surviving(word, ones << (from & 63)) != 0) return true;
    from = end;
  }
  return false;
}
