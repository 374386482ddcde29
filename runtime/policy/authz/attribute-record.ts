import {
  ATTRIBUTE_ATOM_COUNT,
  ATTRIBUTE_FIRST_ATOM,
  ATTRIBUTE_FORWARD,
  ATTRIBUTE_FORWARD_SIZE,
  ATTRIBUTE_GLOBS,
  ATTRIBUTE_GLOBS_SIZE,
  ATTRIBUTE_KIND,
  ATTRIBUTE_PARENTS,
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_RANGES_4,
  ATTRIBUTE_RANGES_4_COUNT,
  ATTRIBUTE_RANGES_6,
  ATTRIBUTE_RANGES_6_COUNT,
  ATTRIBUTE_REVERSE,
  ATTRIBUTE_REVERSE_SIZE,
  ATTRIBUTE_TABLE,
  ATTRIBUTE_TABLE_BITS,
  ATTRIBUTE_TABLE_SEED,
  ATTRIBUTE_TABLE_SIZE,
  ATTRIBUTE_TAILS,
  ATTRIBUTE_TAILS_SIZE,
  ATTRIBUTE_TEMPLATES,
  ATTRIBUTE_TEMPLATES_SIZE,
} from '#abi/authz.ts';
import type { ProgramWriter } from '../writer.ts';
import { addressRanges, type NumberedBlock } from './address-range.ts';
import type { Atom, Attribute } from './attribute.ts';
import { TrieKeys, writeTrie } from './byte-trie.ts';
import { writeTable, type ExactValue } from './exact-table.ts';
import { reverse, TemplateTrie } from './template-trie.ts';

/** So many exact values are better off in the trie: it is smaller, and a hash has its price. */
const TRIE_MAX = 6;

/** Writes what finds an attribute's atoms, which are numbered from `firstAtom`, and fills in its record at `at`. */
export function writeAttribute(
  writer: ProgramWriter,
  at: number,
  attribute: Attribute,
  atoms: readonly Atom[],
  firstAtom: number,
): void {
  const set = (field: number, value: number): void => writer.setU32(at + field, value);
  const exact: ExactValue[] = [];
  let forward: TrieKeys | undefined;
  let backward: TrieKeys | undefined;
  const globs: { readonly atom: number; readonly pieces: readonly string[] }[] = [];
  const blocks: NumberedBlock[] = [];
  let templates: TemplateTrie | undefined;
  let next = firstAtom;
  for (const { match } of atoms) {
    const atom = ++next; // its number plus one
    switch (match.kind) {
      case 'exact':
        exact.push({ text: match.value, atom });
        break;
      case 'prefix':
        (forward ??= new TrieKeys()).at(match.value).prefix = atom;
        break;
      case 'suffix':
        (backward ??= new TrieKeys()).at(reverse(match.value)).prefix = atom;
        break;
      case 'present':
        set(ATTRIBUTE_PRESENT, atom);
        break;
      case 'template':
        templates ??= new TemplateTrie();
        templates.add(match.segments, atom);
        break;
      case 'glob':
        globs.push({ atom, pieces: match.pieces });
        break;
      case 'block':
        blocks.push({ block: match.block, atom });
        break;
    }
  }
  set(ATTRIBUTE_KIND, attribute.kind);
  set(ATTRIBUTE_FIRST_ATOM, firstAtom);
  set(ATTRIBUTE_ATOM_COUNT, atoms.length);
  if (exact.length > TRIE_MAX) {
    const table = writeTable(writer, exact);
    set(ATTRIBUTE_TABLE, table.at);
    set(ATTRIBUTE_TABLE_SIZE, table.size);
    set(ATTRIBUTE_TABLE_BITS, table.bits);
    set(ATTRIBUTE_TABLE_SEED, table.seed);
  } else {
    for (const { text, atom } of exact) (forward ??= new TrieKeys()).at(text).exact = atom;
  }
  section(writer, at, ATTRIBUTE_FORWARD, ATTRIBUTE_FORWARD_SIZE, forward);
  section(writer, at, ATTRIBUTE_REVERSE, ATTRIBUTE_REVERSE_SIZE, backward);
  if (templates) {
    const { templatesAt, templatesSize, tailsAt, tailsSize } = templates.write(writer);
    set(ATTRIBUTE_TEMPLATES, templatesAt);
    set(ATTRIBUTE_TEMPLATES_SIZE, templatesSize);
    set(ATTRIBUTE_TAILS, tailsAt);
    set(ATTRIBUTE_TAILS_SIZE, tailsSize);
  }
  if (globs.length > 0) writeGlobs(writer, at, globs);
  if (blocks.length > 0) writeBlocks(writer, at, blocks, firstAtom, atoms.length);
}

function section(
  writer: ProgramWriter,
  at: number,
  field: number,
  sizeField: number,
  keys: TrieKeys | undefined,
): void {
  if (keys === undefined) return;
  const begin = writer.size;
  writer.setU32(at + field, writeTrie(writer, keys.sorted()));
  writer.setU32(at + sizeField, writer.size - begin);
}

function writeGlobs(
  writer: ProgramWriter,
  at: number,
  globs: readonly { readonly atom: number; readonly pieces: readonly string[] }[],
): void {
  const begin = writer.size;
  const texts: { readonly at: number; readonly text: string }[] = [];
  for (const { atom, pieces } of globs) {
    writer.u32(atom);
    writer.u32(pieces.length);
    for (const text of pieces) {
      texts.push({ at: writer.reserve(4), text });
      writer.u32(text.length);
    }
  }
  writer.setU32(at + ATTRIBUTE_GLOBS, begin);
  writer.setU32(at + ATTRIBUTE_GLOBS_SIZE, writer.size - begin);
  for (const { at: slot, text } of texts) writer.setU32(slot, writer.binary(text));
}

function writeBlocks(
  writer: ProgramWriter,
  at: number,
  blocks: readonly NumberedBlock[],
  firstAtom: number,
  atomCount: number,
): void {
  const parents = new Map<number, number>();
  const four = addressRanges(
    blocks.filter(({ block }) => block.family === 4),
    parents,
  );
  const six = addressRanges(
    blocks.filter(({ block }) => block.family === 6),
    parents,
  );
  writer.setU32(at + ATTRIBUTE_RANGES_4, writer.size);
  writer.setU32(at + ATTRIBUTE_RANGES_4_COUNT, four.length);
  for (const { first, atom } of four) {
    writer.u32(Number(first));
    writer.u32(atom);
  }
  writer.setU32(at + ATTRIBUTE_RANGES_6, writer.size);
  writer.setU32(at + ATTRIBUTE_RANGES_6_COUNT, six.length);
  for (const { first, atom } of six) {
    writer.u64big(first >> 64n);
    writer.u64big(first & 0xffff_ffff_ffff_ffffn);
    writer.u32(atom);
  }
  writer.setU32(at + ATTRIBUTE_PARENTS, writer.size);
  for (let atom = firstAtom + 1; atom <= firstAtom + atomCount; atom++) writer.u32(parents.get(atom) ?? 0);
}
