import {
  ATTRIBUTE_HEADER,
  ATTRIBUTE_HOST,
  ATTRIBUTE_KIND,
  ATTRIBUTE_METADATA,
  ATTRIBUTE_METADATA_LIST,
  ATTRIBUTE_METADATA_TEXT,
  ATTRIBUTE_METHOD,
  ATTRIBUTE_PATH,
  ATTRIBUTE_SIZE,
  AUTHZ_ALLOW_WORDS,
  AUTHZ_ALWAYS,
  AUTHZ_ANCHORED,
  AUTHZ_ATOMS,
  AUTHZ_ATOM_COUNT,
  AUTHZ_ATTRIBUTES,
  AUTHZ_ATTRIBUTE_COUNT,
  AUTHZ_BODY,
  AUTHZ_CLOSED,
  AUTHZ_DENY_WORDS,
  AUTHZ_ENTRIES,
  AUTHZ_FLAGS,
  AUTHZ_FORMAT,
  AUTHZ_GENERATION,
  AUTHZ_LINKS,
  AUTHZ_NAMES,
  AUTHZ_RULES,
  AUTHZ_ONE_HEADER,
  AUTHZ_STEPS,
  AUTHZ_STEP_COUNT,
  AUTHZ_WORD_INDEX,
} from '../abi/authz.ts';
import { FEATURE_AUTHZ } from '../abi/program.ts';
import { checkHeader, Program, refuse } from '../sdk/program.ts';
import { text } from '../sdk/text.ts';
import { checkTables } from './check.ts';
import { makeRoom } from './matched.ts';

/** A checked program, with the addresses that a decision uses. */
@unmanaged
export class OpenProgram {
  base: usize = 0;
  flags: u32 = 0;
  denyWords: u32 = 0;
  allowWords: u32 = 0;
  /** Of the CUSTOM rules; 0: there are none. */
  generation: u32 = 0;
  /**
   * The first so many attributes lead to candidates; those from `firstMany` on, of which there may be any number, are in
   * metadata, and from `firstHeader` on headers.
   */
  anchored: u32 = 0;
  firstMany: u32 = 0;
  firstHeader: u32 = 0;
  always: u32 = 0;
  attributes: usize = 0;
  wordIndex: usize = 0;
  entries: usize = 0;
  rules: usize = 0;
  /** 0: no conjunct has links. */
  links: usize = 0;
  atoms: usize = 0;
  /** Offset of the trie of header names; 0: none. */
  names: u32 = 0;
  /** 0: nothing is asked of metadata. */
  steps: usize = 0;
  /** How many of the next three are asked for. */
  pseudoHeaders: i32 = 0;
  asksHost: bool = false;
  asksMethod: bool = false;
  asksPath: bool = false;
}

const BODY = text('authz: shorter than its tables; bytes expected at least, came:');
const HEADERS = text('authz: headers or metadata that would not be looked at; anchored, flags:');
const FLAGS = text('authz: damaged flags; expected, came:');

/** Checks a program, whole and once: after it no number in it is looked at twice. False: refused, and why is logged. */
export function openProgram(program: Program): bool {
  const base = program.pointer;
  const size = program.size;
  if (!checkHeader(base, size, FEATURE_AUTHZ, AUTHZ_FORMAT)) return false;
  if (size < <u32>AUTHZ_BODY) return refuse(BODY, <u32>AUTHZ_BODY, size);
  const flags = load<u32>(base, AUTHZ_FLAGS);
  if (flags != program.flags) return refuse(FLAGS, flags, program.flags);
  const closed = (flags & AUTHZ_CLOSED) != 0;
  if (!closed && !checkTables(base, size)) return false;
  const opened = changetype<OpenProgram>(heap.alloc(offsetof<OpenProgram>()));
  opened.base = base;
  opened.flags = program.flags;
  opened.denyWords = load<u32>(base, AUTHZ_DENY_WORDS);
  opened.allowWords = load<u32>(base, AUTHZ_ALLOW_WORDS);
  opened.generation = load<u32>(base, AUTHZ_GENERATION);
  opened.anchored = load<u32>(base, AUTHZ_ANCHORED);
  opened.always = load<u32>(base, AUTHZ_ALWAYS);
  opened.attributes = base + load<u32>(base, AUTHZ_ATTRIBUTES);
  opened.wordIndex = base + load<u32>(base, AUTHZ_WORD_INDEX);
  opened.entries = base + load<u32>(base, AUTHZ_ENTRIES);
  opened.rules = base + load<u32>(base, AUTHZ_RULES);
  const links = load<u32>(base, AUTHZ_LINKS);
  opened.links = links == 0 ? 0 : base + links;
  opened.atoms = base + load<u32>(base, AUTHZ_ATOMS);
  opened.names = load<u32>(base, AUTHZ_NAMES);
  opened.steps = load<u32>(base, AUTHZ_STEP_COUNT) == 0 ? 0 : base + load<u32>(base, AUTHZ_STEPS);
  program.state = changetype<usize>(opened);
  if (closed) return true;
  const attributes = load<u32>(base, AUTHZ_ATTRIBUTE_COUNT);
  opened.asksHost = asks(opened, attributes, ATTRIBUTE_HOST);
  opened.asksMethod = asks(opened, attributes, ATTRIBUTE_METHOD);
  opened.asksPath = asks(opened, attributes, ATTRIBUTE_PATH);
  opened.pseudoHeaders = <i32>opened.asksHost + <i32>opened.asksMethod + <i32>opened.asksPath;
  opened.firstMany = endOf(opened, 0, 0);
  opened.firstHeader = endOf(opened, opened.firstMany, 1);
  const inOrder = endOf(opened, opened.firstHeader, 2) == opened.anchored;
  const oneHeader = (flags & AUTHZ_ONE_HEADER) == 0 || (opened.pseudoHeaders == 1 && opened.names == 0);
  if (!inOrder || !oneHeader) {
    heap.free(program.state);
    program.state = 0;
    return refuse(HEADERS, opened.anchored, flags);
  }
  makeRoom(load<u32>(base, AUTHZ_ATOM_COUNT), attributes);
  return true;
}

function kindOf(opened: OpenProgram, attribute: u32): u32 {
  return load<u32>(opened.attributes + <usize>attribute * ATTRIBUTE_SIZE, ATTRIBUTE_KIND);
}

/** Where those of a rank end that begin at `start`, among the attributes that lead to candidates. */
function endOf(opened: OpenProgram, start: u32, rank: u32): u32 {
  while (start < opened.anchored && rankOf(kindOf(opened, start)) == rank) start++;
  return start;
}

/** The order in which attributes stand that lead to candidates: 2 headers, 1 metadata, 0 all else. */
function rankOf(kind: u32): u32 {
  if (kind == ATTRIBUTE_HEADER) return 2;
  const metadata = kind == ATTRIBUTE_METADATA || kind == ATTRIBUTE_METADATA_TEXT || kind == ATTRIBUTE_METADATA_LIST;
  return metadata ? 1 : 0;
}

function asks(opened: OpenProgram, attributes: u32, kind: u32): bool {
  for (let i: u32 = 0; i < attributes; i++) {
    if (kindOf(opened, i) == kind) return true;
  }
  return false;
}
