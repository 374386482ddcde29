import {
  ATOM_SIZE,
  AUTHZ_ACTIVE_WORDS,
  AUTHZ_ALLOW_WORDS,
  AUTHZ_ALWAYS,
  AUTHZ_ATOMS,
  AUTHZ_ATOM_COUNT,
  AUTHZ_ATTRIBUTE_COUNT,
  AUTHZ_CUSTOM,
  AUTHZ_DENY_WORDS,
  AUTHZ_ENTRIES,
  AUTHZ_ENTRY_COUNT,
  AUTHZ_FLAGS,
  AUTHZ_GENERATION,
  AUTHZ_LINKS,
  AUTHZ_LINK_RECORDS,
  AUTHZ_LINK_RECORDS_SIZE,
  AUTHZ_POLICIES,
  AUTHZ_POLICY_COUNT,
  AUTHZ_POSTINGS,
  AUTHZ_POSTINGS_SIZE,
  AUTHZ_PROVIDERS,
  AUTHZ_PROVIDER_COUNT,
  AUTHZ_RULES,
  AUTHZ_RULE_COUNT,
  AUTHZ_RULE_TABLE,
  AUTHZ_WORDS,
  AUTHZ_WORD_INDEX,
  ENTRY_ATTRIBUTE,
  ENTRY_SIZE,
  POLICY_SIZE,
  POSTING_DENSE,
  POSTING_SINGLE,
  PROVIDER_END,
  PROVIDER_SIZE,
  PROVIDER_STATE,
  PROVIDER_STATE_SIZE,
  RULE_SIZE,
  STATE_PREFIX_SIZE,
} from '../abi/authz.ts';
import { inside } from '../sdk/bounds.ts';
import { refuse } from '../sdk/program.ts';
import { text } from '../sdk/text.ts';
import { clearStarts, isStart, markStart } from './starts.ts';

const WORDS = text('authz: words do not fit; deny, active:');
const POSTINGS = text('authz: bad postings; bytes, offset:');
const ATOM = text('authz: bad posting of an atom; words, posting:');
const ENTRIES = text('authz: bad word; words, word:');
const LINKS = text('authz: bad link; words, offset:');
const RULES = text('authz: bad rule; rules, number:');
const PROVIDERS = text('authz: bad providers; number of them, words:');

let base: usize = 0;
let size: u32 = 0;
let words: u32 = 0;
let activeWords: u32 = 0;

/** Postings, words, links and rules lead to conjuncts and rules that exist. */
export function checkConjuncts(program: usize, programSize: u32): bool {
  base = program;
  size = programSize;
  words = load<u32>(base, AUTHZ_WORDS);
  activeWords = load<u32>(base, AUTHZ_ACTIVE_WORDS);
  const denyWords = load<u32>(base, AUTHZ_DENY_WORDS);
  // A word takes four bytes of the index, so there are never more than that.
  if (denyWords > activeWords || activeWords > words || words > size / 4) return refuse(WORDS, denyWords, activeWords);
  return checkPostings() && checkAtoms() && checkEntries() && checkLinks() && checkRules() && checkProviders();
}

function fits(at: u32, count: u32, step: usize): bool {
  return count <= size / <u32>step && inside(at, count * <u32>step, size);
}

function checkPostings(): bool {
  const at = load<u32>(base, AUTHZ_POSTINGS);
  const length = load<u32>(base, AUTHZ_POSTINGS_SIZE);
  if (!inside(at, length, size)) return refuse(POSTINGS, size, at);
  clearStarts(at, length);
  for (let offset: u32 = 0; offset < length;) {
    const record = postingSize(at + offset, length - offset);
    if (record == 0) return refuse(POSTINGS, size, at + offset);
    markStart(at + offset);
    offset += record;
  }
  return true;
}

/** Bytes of the posting at `at`, of which there are `room`; 0: it is not good. */
function postingSize(at: u32, room: u32): u32 {
  if (room < 8) return 0;
  const head = load<u32>(base + at);
  const count = head & ~POSTING_DENSE;
  if (count == 0 || count > words) return 0;
  if ((head & POSTING_DENSE) != 0) {
    const first = load<u32>(base + at, 4);
    const length = 8 + <u64>count * 8;
    return length <= room && first <= words - count ? <u32>length : 0;
  }
  const length = 4 + <u64>count * 12;
  if (length > room) return 0;
  for (let i: u32 = 0; i < count; i++) {
    const word = load<u32>(base + at + ((<usize>i) << 2), 4);
    if (word >= words || (i > 0 && word <= load<u32>(base + at + ((<usize>i) << 2)))) return 0;
  }
  return <u32>length;
}

function checkAtoms(): bool {
  const at = load<u32>(base, AUTHZ_ATOMS);
  const count = load<u32>(base, AUTHZ_ATOM_COUNT);
  if (!fits(at, count, ATOM_SIZE)) return refuse(ATOM, words, at);
  const always = load<u32>(base, AUTHZ_ALWAYS);
  if (!isPosting(always)) return refuse(ATOM, words, always);
  const end = base + at + <usize>count * ATOM_SIZE;
  for (let reference = base + at; reference < end; reference += 4) {
    const posting = load<u32>(reference);
    if (!isPosting(posting)) return refuse(ATOM, words, posting);
  }
  return true;
}

function isPosting(posting: u32): bool {
  if (posting == 0) return true;
  if ((posting & POSTING_SINGLE) != 0) return (posting & ~POSTING_SINGLE) >> 6 < words;
  const at = load<u32>(base, AUTHZ_POSTINGS);
  return posting >= at && posting - at < load<u32>(base, AUTHZ_POSTINGS_SIZE) && isStart(posting, size);
}

function checkEntries(): bool {
  const index = load<u32>(base, AUTHZ_WORD_INDEX);
  const at = load<u32>(base, AUTHZ_ENTRIES);
  const count = load<u32>(base, AUTHZ_ENTRY_COUNT);
  if (!fits(index, words + 1, 4) || !fits(at, count, ENTRY_SIZE)) return refuse(ENTRIES, words, index);
  let before: u32 = 0;
  for (let word: u32 = 0; word <= words; word++) {
    const first = load<u32>(base + index + ((<usize>word) << 2));
    if (first < before || first > count) return refuse(ENTRIES, words, word);
    before = first;
  }
  const attributes = load<u32>(base, AUTHZ_ATTRIBUTE_COUNT);
  for (let i: u32 = 0; i < count; i++) {
    const attribute = load<u32>(base + at + <usize>i * ENTRY_SIZE, ENTRY_ATTRIBUTE);
    if (attribute >= attributes) return refuse(ENTRIES, words, attribute);
  }
  return true;
}

/** Links lead from conjuncts of DENY and ALLOW to conjuncts of neither, so a link is never followed by another. */
function checkLinks(): bool {
  const links = load<u32>(base, AUTHZ_LINKS);
  if (links == 0) return true;
  const at = load<u32>(base, AUTHZ_LINK_RECORDS);
  const length = load<u32>(base, AUTHZ_LINK_RECORDS_SIZE);
  if (!inside(at, length, size) || !fits(links, activeWords, 256)) return refuse(LINKS, words, links);
  clearStarts(at, length);
  for (let offset: u32 = 0; offset < length;) {
    const record = linkSize(at + offset, length - offset);
    if (record == 0) return refuse(LINKS, words, at + offset);
    markStart(at + offset);
    offset += record;
  }
  const end = base + links + <usize>activeWords * 256;
  for (let reference = base + links; reference < end; reference += 4) {
    const link = load<u32>(reference);
    if (link != 0 && (link < at || link - at >= length || !isStart(link, size))) return refuse(LINKS, words, link);
  }
  return true;
}

function linkSize(at: u32, room: u32): u32 {
  if (room < 4) return 0;
  const count = load<u32>(base + at);
  const length = 4 + <u64>count * 8;
  if (length > room) return 0;
  for (let i: u32 = 0; i < count; i++) {
    const from = load<u32>(base + at + ((<usize>i) << 3), 4);
    const to = load<u32>(base + at + ((<usize>i) << 3), 8);
    if (from >> 6 < activeWords || from > to || to > words << 6) return 0;
  }
  return <u32>length;
}

function checkRules(): bool {
  const at = load<u32>(base, AUTHZ_RULES);
  const rulesAt = load<u32>(base, AUTHZ_RULE_TABLE);
  const rules = load<u32>(base, AUTHZ_RULE_COUNT);
  const policiesAt = load<u32>(base, AUTHZ_POLICIES);
  const policies = load<u32>(base, AUTHZ_POLICY_COUNT);
  if (!fits(at, activeWords, 256) || !fits(rulesAt, rules, RULE_SIZE) || !fits(policiesAt, policies, POLICY_SIZE)) {
    return refuse(RULES, rules, at);
  }
  for (let i: u32 = 0; i < activeWords << 6; i++) {
    const rule = load<u32>(base + at + ((<usize>i) << 2));
    if (rule >= rules) return refuse(RULES, rules, rule);
  }
  for (let i: u32 = 0; i < rules; i++) {
    if (load<u32>(base + rulesAt + <usize>i * RULE_SIZE) >= policies) return refuse(RULES, rules, i);
  }
  for (let i: u32 = 0; i < policies; i++) {
    const policy = base + policiesAt + <usize>i * POLICY_SIZE;
    if (!inside(load<u32>(policy), load<u32>(policy, 4), size)) return refuse(RULES, rules, i);
  }
  return true;
}

/** The words of providers are those behind ALLOW's, and all that are left. */
function checkProviders(): bool {
  const at = load<u32>(base, AUTHZ_PROVIDERS);
  const count = load<u32>(base, AUTHZ_PROVIDER_COUNT);
  const allow = load<u32>(base, AUTHZ_ALLOW_WORDS);
  const custom = (load<u32>(base, AUTHZ_FLAGS) & AUTHZ_CUSTOM) != 0;
  if (allow < load<u32>(base, AUTHZ_DENY_WORDS) || (custom && allow != 0)) return refuse(PROVIDERS, count, allow);
  if ((custom || count != 0) && load<u32>(base, AUTHZ_GENERATION) == 0) return refuse(PROVIDERS, count, 0);
  if (!fits(at, count, PROVIDER_SIZE)) return refuse(PROVIDERS, count, at);
  let before = allow;
  for (let i: u32 = 0; i < count; i++) {
    const provider = base + at + <usize>i * PROVIDER_SIZE;
    const state = load<u32>(provider, PROVIDER_STATE_SIZE);
    const named = state > STATE_PREFIX_SIZE && inside(load<u32>(provider, PROVIDER_STATE), state, size);
    const end = load<u32>(provider, PROVIDER_END);
    if (!named || end < before || end > activeWords) return refuse(PROVIDERS, count, end);
    before = end;
  }
  return before == activeWords || refuse(PROVIDERS, count, before);
}
