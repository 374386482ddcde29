import {
  ATTRIBUTE_ATOM_COUNT,
  ATTRIBUTE_FIRST_ATOM,
  ATTRIBUTE_FORWARD,
  ATTRIBUTE_FORWARD_SIZE,
  ATTRIBUTE_GLOBS,
  ATTRIBUTE_GLOBS_SIZE,
  ATTRIBUTE_KIND,
  ATTRIBUTE_KINDS,
  ATTRIBUTE_NEXT,
  ATTRIBUTE_PARENTS,
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_RANGES_4,
  ATTRIBUTE_RANGES_4_COUNT,
  ATTRIBUTE_RANGES_6,
  ATTRIBUTE_RANGES_6_COUNT,
  ATTRIBUTE_REVERSE,
  ATTRIBUTE_REVERSE_SIZE,
  ATTRIBUTE_SIZE,
  ATTRIBUTE_TABLE,
  ATTRIBUTE_TABLE_BITS,
  ATTRIBUTE_TABLE_SIZE,
  ATTRIBUTE_TAILS,
  ATTRIBUTE_TAILS_SIZE,
  ATTRIBUTE_TEMPLATES,
  ATTRIBUTE_TEMPLATES_SIZE,
  AUTHZ_ANCHORED,
  AUTHZ_ATOM_COUNT,
  AUTHZ_ATTRIBUTES,
  AUTHZ_ATTRIBUTE_COUNT,
  AUTHZ_NAMES,
  AUTHZ_NAMES_SIZE,
  AUTHZ_STEPS,
  AUTHZ_STEP_COUNT,
  STEP_ATTRIBUTE,
  STEP_KEYS,
  STEP_KEYS_SIZE,
  STEP_SIZE,
} from '../abi/authz.ts';
import { inside } from '../sdk/bounds.ts';
import { refuse } from '../sdk/program.ts';
import { text } from '../sdk/text.ts';
import { checkConjuncts } from './check-conjuncts.ts';
import { checkGlobs, checkRanges, checkTable, checkTemplates, checkTrie } from './check-trie.ts';
import { beginStarts, endStarts } from './starts.ts';

const TABLE = text('authz: attributes do not fit; bytes, count:');
const ATTRIBUTE = text('authz: bad attribute; part, number:');
const STEPS = text('authz: bad step into metadata; number of them, number:');
const NAMES = text('authz: bad trie of header names; bytes, offset:');

/** Every count, offset and number of the program leads to where it may lead. Says what does not. */
export function checkTables(base: usize, size: u32): bool {
  beginStarts(size);
  const good =
    checkAttributes(base, size) && checkNames(base, size) && checkSteps(base, size) && checkConjuncts(base, size);
  endStarts();
  return good;
}

function checkAttributes(base: usize, size: u32): bool {
  const at = load<u32>(base, AUTHZ_ATTRIBUTES);
  const count = load<u32>(base, AUTHZ_ATTRIBUTE_COUNT);
  const fits = count <= size / <u32>ATTRIBUTE_SIZE && inside(at, count * <u32>ATTRIBUTE_SIZE, size);
  if (!fits || load<u32>(base, AUTHZ_ANCHORED) > count) return refuse(TABLE, size, count);
  let atoms: u32 = 0;
  for (let number: u32 = 0; number < count; number++) {
    const record = base + at + <usize>number * ATTRIBUTE_SIZE;
    const part = badPart(base, size, record, number, count, atoms);
    if (part != 0) return refuse(ATTRIBUTE, part, number);
    atoms += load<u32>(record, ATTRIBUTE_ATOM_COUNT);
  }
  return atoms == load<u32>(base, AUTHZ_ATOM_COUNT) || refuse(TABLE, size, atoms);
}

/** Offset, within the record, of what is wrong with an attribute plus one; 0: nothing. `low` atoms are before its own. */
function badPart(base: usize, size: u32, record: usize, number: u32, count: u32, low: u32): u32 {
  if (load<u32>(record, ATTRIBUTE_KIND) >= ATTRIBUTE_KINDS) return <u32>ATTRIBUTE_KIND + 1;
  if (load<u32>(record, ATTRIBUTE_FIRST_ATOM) != low) return <u32>ATTRIBUTE_FIRST_ATOM + 1;
  const atoms = load<u32>(record, ATTRIBUTE_ATOM_COUNT);
  if (atoms > size - low) return <u32>ATTRIBUTE_ATOM_COUNT + 1;
  const high = low + atoms;
  const present = load<u32>(record, ATTRIBUTE_PRESENT);
  if (present != 0 && (present <= low || present > high)) return <u32>ATTRIBUTE_PRESENT + 1;
  const next = load<u32>(record, ATTRIBUTE_NEXT);
  if (next != 0 && (next - 1 <= number || next > count)) return <u32>ATTRIBUTE_NEXT + 1;

  const table = load<u32>(record, ATTRIBUTE_TABLE);
  const tableSize = load<u32>(record, ATTRIBUTE_TABLE_SIZE);
  const bits = load<u32>(record, ATTRIBUTE_TABLE_BITS);
  if (table != 0 && !checkTable(base, size, table, tableSize, bits, low, high)) return <u32>ATTRIBUTE_TABLE + 1;
  const forward = load<u32>(record, ATTRIBUTE_FORWARD);
  const forwardSize = load<u32>(record, ATTRIBUTE_FORWARD_SIZE);
  if (forward != 0 && !checkTrie(base, size, forward, forwardSize, low, high)) return <u32>ATTRIBUTE_FORWARD + 1;
  const reverse = load<u32>(record, ATTRIBUTE_REVERSE);
  const reverseSize = load<u32>(record, ATTRIBUTE_REVERSE_SIZE);
  if (reverse != 0 && !checkTrie(base, size, reverse, reverseSize, low, high)) return <u32>ATTRIBUTE_REVERSE + 1;

  const templates = load<u32>(record, ATTRIBUTE_TEMPLATES);
  if (templates != 0) {
    const length = load<u32>(record, ATTRIBUTE_TEMPLATES_SIZE);
    const tails = load<u32>(record, ATTRIBUTE_TAILS);
    const tailsSize = load<u32>(record, ATTRIBUTE_TAILS_SIZE);
    if (tailsSize > 0 && !checkTrie(base, size, tails, tailsSize, low, high)) return <u32>ATTRIBUTE_TAILS + 1;
    if (!checkTemplates(base, size, templates, length, tails, tailsSize, low, high))
      return <u32>ATTRIBUTE_TEMPLATES + 1;
  }
  const globs = load<u32>(record, ATTRIBUTE_GLOBS);
  const globsSize = load<u32>(record, ATTRIBUTE_GLOBS_SIZE);
  if (globs != 0 && !checkGlobs(base, size, globs, globsSize, low, high)) return <u32>ATTRIBUTE_GLOBS + 1;
  return checkBlocks(base, size, record, low, high) ? 0 : <u32>ATTRIBUTE_RANGES_4 + 1;
}

function checkBlocks(base: usize, size: u32, record: usize, low: u32, high: u32): bool {
  const four = load<u32>(record, ATTRIBUTE_RANGES_4);
  const fourCount = load<u32>(record, ATTRIBUTE_RANGES_4_COUNT);
  const six = load<u32>(record, ATTRIBUTE_RANGES_6);
  const sixCount = load<u32>(record, ATTRIBUTE_RANGES_6_COUNT);
  if ((fourCount | sixCount) == 0) return true;
  if (!checkRanges(base, size, four, fourCount, false, low, high)) return false;
  if (!checkRanges(base, size, six, sixCount, true, low, high)) return false;
  const parents = load<u32>(record, ATTRIBUTE_PARENTS);
  const count = high - low;
  if (count > size / 4 || !inside(parents, count * 4, size)) return false;
  for (let i: u32 = 0; i < count; i++) {
    const parent = load<u32>(base + parents + ((<usize>i) << 2));
    if (parent != 0 && (parent <= low || parent > high)) return false;
  }
  return true;
}

/** The names lead to attributes. */
function checkNames(base: usize, size: u32): bool {
  const at = load<u32>(base, AUTHZ_NAMES);
  const count = load<u32>(base, AUTHZ_ATTRIBUTE_COUNT);
  if (at != 0 && !checkTrie(base, size, at, load<u32>(base, AUTHZ_NAMES_SIZE), 0, count))
    return refuse(NAMES, size, at);
  return true;
}

/** Steps lead to attributes and to later steps. */
function checkSteps(base: usize, size: u32): bool {
  const at = load<u32>(base, AUTHZ_STEPS);
  const count = load<u32>(base, AUTHZ_STEP_COUNT);
  if (count > size / <u32>STEP_SIZE || !inside(at, count * <u32>STEP_SIZE, size)) return refuse(STEPS, count, at);
  const attributes = load<u32>(base, AUTHZ_ATTRIBUTE_COUNT);
  for (let number: u32 = 0; number < count; number++) {
    const step = base + at + <usize>number * STEP_SIZE;
    const keys = load<u32>(step, STEP_KEYS);
    const keysSize = load<u32>(step, STEP_KEYS_SIZE);
    const good = keys == 0 || checkTrie(base, size, keys, keysSize, number + 1, count);
    if (!good || load<u32>(step, STEP_ATTRIBUTE) > attributes) return refuse(STEPS, count, number);
  }
  return true;
}
