import {
  GLOB_ATOM,
  GLOB_PIECES,
  GLOB_PIECE_COUNT,
  GLOB_PIECE_SIZE,
  NODE_CHILD_COUNT,
  NODE_EXACT,
  NODE_LABEL,
  NODE_LABEL_SIZE,
  NODE_PREFIX,
  RANGE_4_SIZE,
  RANGE_6_SIZE,
  TABLE_ATOM,
  TABLE_BITS_MAX,
  TABLE_TEXT,
  TABLE_TEXT_SIZE,
  TEMPLATE_CHILDREN,
  TEMPLATE_CHILD_COUNT,
  TEMPLATE_CHILD_SIZE,
  TEMPLATE_EXACT,
  TEMPLATE_STAR,
  TEMPLATE_TAILS,
} from '../abi/authz.ts';
import { inside } from '../sdk/bounds.ts';
import { clearStarts, isStart, markStart, takeStart } from './starts.ts';

// Checks of what finds atoms. Nodes lie one behind the other, so a section is gone through without following anything;
// then every child must be a node that lies later and that nobody else has: a search goes down and ends.
// Atoms are numbers plus one: `low` < atom <= `high`, or 0.

function isAtom(atom: u32, low: u32, high: u32): bool {
  return atom == 0 || (atom > low && atom <= high);
}

/** Nodes of byte tries fill [at, at + size), and the first is a root. */
export function checkTrie(base: usize, program: u32, at: u32, size: u32, low: u32, high: u32): bool {
  if (!inside(at, size, program) || size == 0) return false;
  clearStarts(at, size);
  const end = at + size;
  for (let node = at; node < end;) {
    if (!inside(node - at, <u32>NODE_LABEL, size)) return false;
    const pointer = base + node;
    if (!isAtom(load<u32>(pointer, NODE_EXACT), low, high)) return false;
    if (!isAtom(load<u32>(pointer, NODE_PREFIX), low, high)) return false;
    const children: u32 = load<u16>(pointer, NODE_CHILD_COUNT);
    const length = <u32>NODE_LABEL + load<u16>(pointer, NODE_LABEL_SIZE) + 5 * children;
    if (!inside(node - at, length, size)) return false;
    markStart(node);
    node += length;
  }
  for (let node = at; node < end;) {
    const children: u32 = load<u16>(base + node, NODE_CHILD_COUNT);
    const bytes = node + <u32>NODE_LABEL + load<u16>(base + node, NODE_LABEL_SIZE);
    const offsets = bytes + children;
    for (let i: u32 = 0; i < children; i++) {
      if (i > 0 && load<u8>(base + bytes + i) <= load<u8>(base + bytes + i - 1)) return false;
      const child = load<u32>(base + offsets + ((<usize>i) << 2));
      if (child <= node || child >= end || !takeStart(child, program)) return false;
    }
    node = offsets + 4 * children;
  }
  return isStart(at, program);
}

/** Nodes of a template trie fill [at, at + size); the roots of what follows {**} are among the marked nodes of tries. */
export function checkTemplates(
  base: usize,
  program: u32,
  at: u32,
  size: u32,
  tails: u32,
  tailsSize: u32,
  low: u32,
  high: u32,
): bool {
  if (!inside(at, size, program) || size == 0) return false;
  // The roots are still marked, and must stay so.
  if (tailsSize > 0 && at < tails + tailsSize && tails < at + size) return false;
  clearStarts(at, size);
  const end = at + size;
  for (let node = at; node < end;) {
    if (!inside(node - at, <u32>TEMPLATE_CHILDREN, size)) return false;
    if (!isAtom(load<u32>(base + node, TEMPLATE_EXACT), low, high)) return false;
    const children = load<u32>(base + node, TEMPLATE_CHILD_COUNT);
    if (children > size / <u32>TEMPLATE_CHILD_SIZE) return false;
    const length = <u32>TEMPLATE_CHILDREN + children * <u32>TEMPLATE_CHILD_SIZE;
    if (!inside(node - at, length, size)) return false;
    markStart(node);
    node += length;
  }
  for (let node = at; node < end;) {
    const root = load<u32>(base + node, TEMPLATE_TAILS);
    if (root != 0 && (root < tails || root - tails >= tailsSize || !isStart(root, program))) return false;
    const star = load<u32>(base + node, TEMPLATE_STAR);
    if (star != 0 && !isChild(node, star, end, program)) return false;
    const children = load<u32>(base + node, TEMPLATE_CHILD_COUNT);
    const first = base + node + TEMPLATE_CHILDREN;
    for (let i: u32 = 0; i < children; i++) {
      const child = first + <usize>i * TEMPLATE_CHILD_SIZE;
      if (!inside(load<u32>(child), load<u32>(child, 4), program)) return false;
      if (i > 0 && !ascending(base, child - TEMPLATE_CHILD_SIZE, child)) return false;
      if (!isChild(node, load<u32>(child, 8), end, program)) return false;
    }
    node += <u32>TEMPLATE_CHILDREN + children * <u32>TEMPLATE_CHILD_SIZE;
  }
  return isStart(at, program);
}

function isChild(node: u32, child: u32, end: u32, program: u32): bool {
  return child > node && child < end && takeStart(child, program);
}

/** The text of the child before is less than that of this one. */
function ascending(base: usize, before: usize, child: usize): bool {
  const a = load<u32>(before, 4);
  const b = load<u32>(child, 4);
  const order = memory.compare(base + load<u32>(before), base + load<u32>(child), min(a, b));
  return order < 0 || (order == 0 && a < b);
}

/** A hash table fills [at, at + size): every bucket is whole records, one behind the other. */
export function checkTable(base: usize, program: u32, at: u32, size: u32, bits: u32, low: u32, high: u32): bool {
  if (!inside(at, size, program) || bits > TABLE_BITS_MAX) return false;
  const buckets = (1 as u32) << bits;
  const end = at + size;
  let record = at + 4 * (buckets + 1);
  if (record > end || load<u32>(base + at) != record) return false;
  for (let bucket: u32 = 1; bucket <= buckets; bucket++) {
    const next = load<u32>(base + at + ((<usize>bucket) << 2));
    if (next < record || next > end) return false;
    while (record < next) {
      const room = next - record;
      if (room < <u32>TABLE_TEXT) return false;
      const length = load<u32>(base + record, TABLE_TEXT_SIZE);
      if (length > room - <u32>TABLE_TEXT) return false;
      const atom = load<u32>(base + record, TABLE_ATOM);
      if (atom == 0 || !isAtom(atom, low, high)) return false;
      record += <u32>TABLE_TEXT + length;
    }
  }
  return record == end;
}

/** Globs fill [at, at + size), each with a piece at least. */
export function checkGlobs(base: usize, program: u32, at: u32, size: u32, low: u32, high: u32): bool {
  if (!inside(at, size, program)) return false;
  for (let glob: u32 = 0; glob < size;) {
    if (!inside(glob, <u32>GLOB_PIECES, size)) return false;
    const pointer = base + at + glob;
    const atom = load<u32>(pointer, GLOB_ATOM);
    const pieces = load<u32>(pointer, GLOB_PIECE_COUNT);
    if (atom == 0 || !isAtom(atom, low, high) || pieces == 0 || pieces > size) return false;
    const length = <u64>GLOB_PIECES + <u64>pieces * GLOB_PIECE_SIZE;
    if (<u64>glob + length > size) return false;
    for (let i: u32 = 0; i < pieces; i++) {
      const piece = pointer + GLOB_PIECES + <usize>i * GLOB_PIECE_SIZE;
      if (!inside(load<u32>(piece), load<u32>(piece, 4), program)) return false;
    }
    glob += <u32>length;
  }
  return true;
}

/** `count` ranges of a family lie at `at`, ascending, the first from 0 on. */
export function checkRanges(base: usize, program: u32, at: u32, count: u32, six: bool, low: u32, high: u32): bool {
  const step = <u32>(six ? RANGE_6_SIZE : RANGE_4_SIZE);
  if (count > program / step || !inside(at, count * step, program)) return false;
  for (let i: u32 = 0; i < count; i++) {
    const range = base + at + i * step;
    if (!isAtom(load<u32>(range + step - 4), low, high)) return false;
    if (i == 0 ? !beginsAtZero(range, six) : !ascends(range - step, range, six)) return false;
  }
  return true;
}

function beginsAtZero(range: usize, six: bool): bool {
  return six ? (load<u64>(range) | load<u64>(range, 8)) == 0 : load<u32>(range) == 0;
}

function ascends(a: usize, b: usize, six: bool): bool {
  if (!six) return load<u32>(a) < load<u32>(b);
  const aHigh = load<u64>(a);
  const bHigh = load<u64>(b);
  return aHigh < bHigh || (aHigh == bHigh && load<u64>(a, 8) < load<u64>(b, 8));
}
