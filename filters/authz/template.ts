import {
  TEMPLATE_CHILDREN,
  TEMPLATE_CHILD_COUNT,
  TEMPLATE_CHILD_SIZE,
  TEMPLATE_DEPTH,
  TEMPLATE_EXACT,
  TEMPLATE_STAR,
  TEMPLATE_TAILS,
} from '../abi/authz.ts';
import { add } from './matched.ts';
import { searchBackward } from './trie.ts';

// Path templates, with the meaning of Envoy's URI template matcher (measured on 1.40): `{*}` is a segment of at least one
// character and `{**}` any number of characters and slashes, where a character is one of pchar of RFC 3986.
// Every node of the trie is reached by one way only, so a search visits each at most once.

const SLASH: u8 = 0x2f;

/** 1 for the characters that `{*}` stands for; bit `c` of 128. */
const LOW_CHARACTERS: u64 = characters("!$%&'()*+,-.0123456789:;=", 0);
const HIGH_CHARACTERS: u64 = characters('@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~', 64);

function characters(set: string, from: i32): u64 {
  let bits: u64 = 0;
  for (let i = 0; i < set.length; i++) bits |= (1 as u64) << (set.charCodeAt(i) - from);
  return bits;
}

function isCharacter(byte: u8): bool {
  if (byte < 64) return ((LOW_CHARACTERS >> byte) & 1) != 0;
  return byte < 128 && ((HIGH_CHARACTERS >> (byte - 64)) & 1) != 0;
}

let base: usize = 0;
let path: usize = 0;
let pathSize: u32 = 0;

/** Adds the atoms of all templates that the path matches. */
export function searchTemplates(program: usize, root: u32, value: usize, size: u32): void {
  base = program;
  path = value;
  pathSize = size;
  visit(base + root, 0, 0);
}

/** The path up to `at` has led to the node; there it ends, or the next segment begins with a slash. */
function visit(node: usize, at: u32, depth: u32): void {
  if (at == pathSize) {
    const exact = load<u32>(node, TEMPLATE_EXACT);
    if (exact != 0 && depth > 0) add(exact);
    return;
  }
  if (depth == TEMPLATE_DEPTH || load<u8>(path + at) != SLASH) return;
  const start = at + 1;
  const tails = load<u32>(node, TEMPLATE_TAILS);
  // What follows {**} may begin no later than at its first character that is not allowed, and not before the slash.
  if (tails != 0) searchTails(tails, start);
  let end = start;
  let plain = true;
  for (; end < pathSize; end++) {
    const byte = load<u8>(path + end);
    if (byte == SLASH) break;
    if (!isCharacter(byte)) plain = false;
  }
  const literal = literalChild(node, start, end - start);
  if (literal != 0) visit(base + literal, end, depth + 1);
  const star = load<u32>(node, TEMPLATE_STAR);
  if (star != 0 && plain && end > start) visit(base + star, end, depth + 1);
}

/** `{**}` begins at `start`: everything up to the text that follows it must be characters or slashes. */
function searchTails(tails: u32, start: u32): void {
  let clean = start;
  while (clean < pathSize && (load<u8>(path + clean) == SLASH || isCharacter(load<u8>(path + clean)))) clean++;
  searchBackward(base, tails, path + start, pathSize - start, clean - start);
}

function literalChild(node: usize, start: u32, size: u32): u32 {
  let low: u32 = 0;
  let high = load<u32>(node, TEMPLATE_CHILD_COUNT);
  while (low < high) {
    const middle = (low + high) >> 1;
    const child = node + TEMPLATE_CHILDREN + <usize>middle * TEMPLATE_CHILD_SIZE;
    const childSize = load<u32>(child, 4);
    const order = memory.compare(path + start, base + load<u32>(child), min(size, childSize));
    if (order == 0 && size == childSize) return load<u32>(child, 8);
    if (order < 0 || (order == 0 && size < childSize)) high = middle;
    else low = middle + 1;
  }
  return 0;
}
