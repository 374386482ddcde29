import {
  ATOM_ANCHOR,
  ATOM_NEGATIVE,
  ATOM_POSITIVE,
  ATTRIBUTE_SIZE,
  AUTHZ_ALLOWS,
  AUTHZ_CLOSED,
  AUTHZ_CUSTOM,
  ENTRY_ATTRIBUTE,
  ENTRY_NEGATIVE,
  ENTRY_POSITIVE,
  ENTRY_SIZE,
  POSTING_DENSE,
  POSTING_SINGLE,
} from '../abi/authz.ts';
import { isKnown, knownAttribute, knownCount, matchedCount, matchedList } from './matched.ts';
import { probe } from './posting.ts';
import { OpenProgram } from './program.ts';
import { know, knowHeaders, knowMetadata, openRequest, unreadable } from './request.ts';

/** No rule: nothing denied, or nothing allowed. */
export const NO_RULE: i32 = -1;
const NO_ATTRIBUTE: u32 = u32.MAX_VALUE;

let opened: OpenProgram = changetype<OpenProgram>(0);
/** Of the conjuncts found to hold the first rule, or the one conjunct if any will do. */
let bestRule: u32 = 0;
let anyConjunct: usize = 0;
let firstWord: u32 = 0;
let endWord: u32 = 0;
/** The rule that comes first of all that hold is wanted, not just any. */
let exhaustive: bool = false;

/** The posting of the value that last refused a whole word: it often refuses the next one too. */
let lastRefusal: u32 = 0;

let decided: bool = false;

/** The rule that decided, by its number in the program's rule table, or NO_RULE. Of the program that just decided. */
export function decidedRule(): i32 {
  if (!decided) return NO_RULE;
  return <i32>(exhaustive ? bestRule : load<u32>(opened.rules + (anyConjunct << 2)));
}

/**
 * Decides the request at hand: DENY rules before ALLOW rules. `explain`: of the ALLOW rules that hold the first is
 * found, at more cost; of DENY rules it always is. Denies when anything that matters could not be read, and by a program
 * that is not one of DENY and ALLOW rules.
 */
export function isAllowed(program: OpenProgram, explain: bool): bool {
  decided = false;
  if ((program.flags & (AUTHZ_CLOSED | AUTHZ_CUSTOM)) != 0) return false;
  beginRequest(program);
  if (program.denyWords > 0 && anyHolds(0, program.denyWords, true)) {
    decided = true;
    return false;
  }
  if ((program.flags & AUTHZ_ALLOWS) == 0) return !unreadable;
  if (!anyHolds(program.denyWords, program.allowWords, explain) || unreadable) return false;
  decided = true;
  return true;
}

/** Takes the request at hand, and looks up the values that lead to candidates. */
export function beginRequest(program: OpenProgram): void {
  decided = false;
  opened = program;
  openRequest(program);
  lastRefusal = 0;
  const others = program.firstMany;
  for (let attribute: u32 = 0; attribute < others; attribute++) {
    if (!isKnown(attribute)) know(attribute);
  }
  if (program.firstHeader > others) knowMetadata();
  if (program.anchored > program.firstHeader) knowHeaders();
}

/** Any conjunct of words [first, end) holds for the request that was begun. */
export function anyHolds(first: u32, end: u32, all: bool): bool {
  firstWord = first;
  endWord = end;
  exhaustive = all;
  bestRule = u32.MAX_VALUE;
  if (first == end) return false;
  if (candidates(opened.always, NO_ATTRIBUTE)) return true;
  // What becomes known while candidates are looked at leads to none: it comes after those that do.
  for (let k: u32 = 0, count = knownCount(); k < count; k++) {
    const attribute = knownAttribute(k);
    if (attribute >= opened.anchored) continue;
    const list = matchedList(opened.attributes + <usize>attribute * ATTRIBUTE_SIZE);
    for (let i: u32 = 0, matched = matchedCount(attribute); i < matched; i++) {
      const atom = load<usize>(list + ((<usize>i) << 2));
      if (candidates(load<u32>(atom, ATOM_ANCHOR), attribute)) return true;
    }
  }
  return bestRule != u32.MAX_VALUE;
}

/** Looks at the words of a posting that `anchor` led to, as far as they are asked for. True: a conjunct holds, and any will do. */
function candidates(posting: u32, anchor: u32): bool {
  if (posting == 0) return false;
  if ((posting & POSTING_SINGLE) != 0) {
    const conjunct = posting & ~POSTING_SINGLE;
    const word = conjunct >> 6;
    if (word < firstWord || word >= endWord) return false;
    return candidate(word, (1 as u64) << (conjunct & 63), anchor);
  }
  const record = opened.base + posting;
  const head = load<u32>(record);
  if ((head & POSTING_DENSE) != 0) return denseCandidates(record, head & ~POSTING_DENSE, anchor);
  const masks = record + 4 + ((<usize>head) << 2);
  for (let i: u32 = 0; i < head; i++) {
    const word = load<u32>(record + ((<usize>i) << 2), 4);
    if (word < firstWord) continue;
    if (word >= endWord) return false;
    if (candidate(word, load<u64>(masks + ((<usize>i) << 3)), anchor)) return true;
  }
  return false;
}

function denseCandidates(record: usize, count: u32, anchor: u32): bool {
  const first = load<u32>(record, 4);
  const end = min(first + count, endWord);
  const masks = record + 8;
  for (let word = max(first, firstWord); word < end; word++) {
    const mask = load<u64>(masks + ((<usize>(word - first)) << 3));
    if (mask != 0 && candidate(word, mask, anchor)) return true;
  }
  return false;
}

function candidate(word: u32, mask: u64, anchor: u32): bool {
  if (lastRefusal != 0) {
    mask &= ~probe(opened.base, lastRefusal, word);
    if (mask == 0) return false;
  }
  mask = surviving(word, mask, anchor);
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

/** Of the conjuncts in the mask those all of whose clauses hold. That of `anchor` is known to hold for them. */
function surviving(word: u32, mask: u64, anchor: u32): u64 {
  const base = opened.base;
  const index = opened.wordIndex + ((<usize>word) << 2);
  let entry = opened.entries + <usize>load<u32>(index) * ENTRY_SIZE;
  const end = opened.entries + <usize>load<u32>(index, 4) * ENTRY_SIZE;
  for (; entry < end; entry += ENTRY_SIZE) {
    const attribute = load<u32>(entry, ENTRY_ATTRIBUTE);
    const positive = attribute == anchor ? 0 : load<u64>(entry, ENTRY_POSITIVE) & mask;
    const negative = load<u64>(entry, ENTRY_NEGATIVE) & mask;
    if ((positive | negative) == 0) continue;
    if (!isKnown(attribute)) know(attribute);
    let held: u64 = 0;
    let refused: u64 = 0;
    const list = matchedList(opened.attributes + <usize>attribute * ATTRIBUTE_SIZE);
    for (let i: u32 = 0, count = matchedCount(attribute); i < count; i++) {
      const atom = load<usize>(list + ((<usize>i) << 2));
      if (positive != 0) held |= probe(base, load<u32>(atom, ATOM_POSITIVE), word);
      if (negative != 0) {
        const posting = load<u32>(atom, ATOM_NEGATIVE);
        refused |= probe(base, posting, word);
        if ((mask & ~refused) == 0) {
          lastRefusal = posting;
          return 0;
        }
      }
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
    if (surviving(word, ones << (from & 63), NO_ATTRIBUTE) != 0) return true;
    from = end;
  }
  return false;
}
