import {
  ATTRIBUTE_FORWARD,
  ATTRIBUTE_GLOBS,
  ATTRIBUTE_GLOBS_SIZE,
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_REVERSE,
  ATTRIBUTE_TABLE,
  ATTRIBUTE_TABLE_BITS,
  ATTRIBUTE_TABLE_SEED,
  ATTRIBUTE_TEMPLATES,
} from '../abi/authz.ts';
import { searchGlobs } from './glob.ts';
import { add } from './matched.ts';
import { searchTable } from './table.ts';
import { searchTemplates } from './template.ts';
import { searchBackward, searchForward } from './trie.ts';

/** Puts a value to everything that the atoms of an attribute, of which this is the record, are found by. */
export function search(base: usize, record: usize, pointer: usize, size: u32): void {
  searchWhole(base, record, pointer, size);
  searchSuffixes(base, record, pointer, size);
}

/** Puts a value to everything but suffixes. */
export function searchWhole(base: usize, record: usize, pointer: usize, size: u32): void {
  const present = load<u32>(record, ATTRIBUTE_PRESENT);
  if (present != 0 && size > 0) add(present);
  const table = load<u32>(record, ATTRIBUTE_TABLE);
  if (table != 0) {
    const bits = load<u32>(record, ATTRIBUTE_TABLE_BITS);
    searchTable(base, table, bits, load<u32>(record, ATTRIBUTE_TABLE_SEED), pointer, size);
  }
  const forward = load<u32>(record, ATTRIBUTE_FORWARD);
  if (forward != 0) searchForward(base, forward, pointer, size);
  const templates = load<u32>(record, ATTRIBUTE_TEMPLATES);
  if (templates != 0) searchTemplates(base, templates, pointer, size);
  const globs = load<u32>(record, ATTRIBUTE_GLOBS);
  if (globs != 0) searchGlobs(base, globs, load<u32>(record, ATTRIBUTE_GLOBS_SIZE), pointer, size);
}

export function searchSuffixes(base: usize, record: usize, pointer: usize, size: u32): void {
  const reverse = load<u32>(record, ATTRIBUTE_REVERSE);
  if (reverse != 0) searchBackward(base, reverse, pointer, size, size);
}
