import {
  ATOM_SIZE,
  ATTRIBUTE_ATOM_COUNT,
  ATTRIBUTE_FIRST_ATOM,
  ATTRIBUTE_FORWARD,
  ATTRIBUTE_GLOBS,
  ATTRIBUTE_GLOBS_SIZE,
  ATTRIBUTE_HEADER,
  ATTRIBUTE_KIND,
  ATTRIBUTE_NEXT,
  ATTRIBUTE_PARENTS,
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_RANGES_4,
  ATTRIBUTE_RANGES_4_COUNT,
  ATTRIBUTE_RANGES_6,
  ATTRIBUTE_RANGES_6_COUNT,
  ATTRIBUTE_REVERSE,
  ATTRIBUTE_SIZE,
  ATTRIBUTE_TABLE,
  ATTRIBUTE_TABLE_SIZE,
  ATTRIBUTE_TEMPLATES,
  AUTHZ_ALWAYS,
  AUTHZ_ATOMS,
  AUTHZ_ATTRIBUTES,
  AUTHZ_ATTRIBUTE_COUNT,
  AUTHZ_FORMAT,
  AUTHZ_NAMES,
  AUTHZ_STEPS,
  AUTHZ_STEP_COUNT,
  GLOB_PIECES,
  GLOB_PIECE_COUNT,
  GLOB_PIECE_SIZE,
  NODE_CHILD_COUNT,
  NODE_EXACT,
  NODE_LABEL,
  NODE_LABEL_SIZE,
  NODE_PREFIX,
  POSTING_DENSE,
  POSTING_SINGLE,
  RANGE_4_SIZE,
  RANGE_6_SIZE,
  REQUEST_PRINCIPAL_BARE,
  REQUEST_PRINCIPAL_SEPARATOR,
  REQUEST_PRINCIPAL_WHOLE,
  STEP_ATTRIBUTE,
  STEP_KEYS,
  STEP_SIZE,
  TABLE_ATOM,
  TABLE_TEXT,
  TABLE_TEXT_SIZE,
  TEMPLATE_CHILDREN,
  TEMPLATE_CHILD_COUNT,
  TEMPLATE_CHILD_SIZE,
  TEMPLATE_EXACT,
  TEMPLATE_STAR,
  TEMPLATE_TAILS,
} from '#abi/authz.ts';
import { FEATURE_AUTHZ } from '#abi/program.ts';
import { openProgram, type ProgramReader } from '../program.ts';

/** An atom as it is found in the program's bytes, in words: `exact "/a"`, `block 10.0.0.0/8`. */
export interface DecodedAtom {
  readonly text: string;
  readonly anchor: readonly number[];
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

export interface DecodedAttribute {
  readonly name: string;
  readonly atoms: readonly DecodedAtom[];
}

const KINDS = [
  'principal',
  'namespace',
  'any namespace',
  'source ip',
  'destination ip',
  'destination port',
  'host',
  'method',
  'path',
  'header',
  'service account',
  'any service account',
  'trust domain',
  'remote ip',
  'sni',
  'request principal',
  'metadata',
  'metadata text',
  'metadata list',
  'any host',
  'route',
];

/** Opens an authorization program; throws ProgramError when it is none. */
export const openAuthz = (program: Uint8Array): ProgramReader => openProgram(program, FEATURE_AUTHZ, AUTHZ_FORMAT);

/** The attributes of a program and all values they are compared to, read back from tries, ranges and postings. */
export function decodeAttributes(reader: ProgramReader): readonly DecodedAttribute[] {
  const names = headerNames(reader);
  const places = metadataPlaces(reader);
  const at = reader.u32(AUTHZ_ATTRIBUTES);
  return Array.from({ length: reader.u32(AUTHZ_ATTRIBUTE_COUNT) }, (_, number) => {
    const record = at + ATTRIBUTE_SIZE * number;
    const kind = reader.u32(record + ATTRIBUTE_KIND);
    const texts = atomTexts(reader, record);
    const first = reader.u32(record + ATTRIBUTE_FIRST_ATOM);
    const atoms = Array.from({ length: reader.u32(record + ATTRIBUTE_ATOM_COUNT) }, (_unused, index) => {
      const atom = reader.u32(AUTHZ_ATOMS) + ATOM_SIZE * (first + index);
      return {
        text: texts.get(first + index + 1) ?? 'nothing leads here',
        anchor: posting(reader, reader.u32(atom)),
        positive: posting(reader, reader.u32(atom + 4)),
        negative: posting(reader, reader.u32(atom + 8)),
      };
    });
    const kindName = KINDS[kind] ?? `kind ${kind}`;
    const which = kind === ATTRIBUTE_HEADER ? names.get(number + 1) : places.get(number + 1);
    return { name: which === undefined ? kindName : `${kindName} ${which}`, atoms };
  });
}

/** Conjuncts that are looked at for every request. */
export const decodeAlways = (reader: ProgramReader): readonly number[] => posting(reader, reader.u32(AUTHZ_ALWAYS));

function posting(reader: ProgramReader, reference: number): readonly number[] {
  if (reference === 0) return [];
  if (reference >= POSTING_SINGLE) return [reference - POSTING_SINGLE];
  const head = reader.u32(reference);
  const dense = head >= POSTING_DENSE;
  const count = dense ? head - POSTING_DENSE : head;
  const conjuncts: number[] = [];
  for (let i = 0; i < count; i++) {
    const word = dense ? reader.u32(reference + 4) + i : reader.u32(reference + 4 + 4 * i);
    const mask = reader.u64(dense ? reference + 8 + 8 * i : reference + 4 + 4 * count + 8 * i);
    for (let bit = 0; bit < 64; bit++) if ((mask >> BigInt(bit)) & 1n) conjuncts.push(64 * word + bit);
  }
  return conjuncts;
}

/** Header names by attribute number plus one; attributes about the same header follow each other by `next`. */
function headerNames(reader: ProgramReader): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const root = reader.u32(AUTHZ_NAMES);
  if (root === 0) return names;
  const records = reader.u32(AUTHZ_ATTRIBUTES);
  walkTrie(reader, root, (name, exact) => {
    for (
      let number = exact;
      number !== 0;
      number = reader.u32(records + ATTRIBUTE_SIZE * (number - 1) + ATTRIBUTE_NEXT)
    ) {
      names.set(number, name);
    }
  });
  return names;
}

/** Places in metadata by attribute number plus one: `envoy.filters.http.jwt_authn payload groups`. */
function metadataPlaces(reader: ProgramReader): ReadonlyMap<number, string> {
  const places = new Map<number, string>();
  const steps = reader.u32(AUTHZ_STEPS);
  const records = reader.u32(AUTHZ_ATTRIBUTES);
  const walk = (index: number, above: readonly string[]): void => {
    const step = steps + STEP_SIZE * index;
    let number = reader.u32(step + STEP_ATTRIBUTE);
    for (; number !== 0; number = reader.u32(records + ATTRIBUTE_SIZE * (number - 1) + ATTRIBUTE_NEXT)) {
      places.set(number, above.join(' '));
    }
    const keys = reader.u32(step + STEP_KEYS);
    if (keys !== 0) {
      walkTrie(reader, keys, (key, exact) => {
        if (exact !== 0) walk(exact - 1, [...above, unquoted(key)]);
      });
    }
  };
  if (reader.u32(AUTHZ_STEP_COUNT) > 0) walk(0, []);
  return places;
}

/** What leads to each atom of an attribute, by its number plus one. */
function atomTexts(reader: ProgramReader, record: number): ReadonlyMap<number, string> {
  const texts = new Map<number, string>();
  const field = (at: number): number => reader.u32(record + at);
  const set = (atom: number, text: string): void => {
    if (atom !== 0) texts.set(atom, text);
  };
  set(field(ATTRIBUTE_PRESENT), 'present');
  const table = field(ATTRIBUTE_TABLE);
  const tableEnd = table + field(ATTRIBUTE_TABLE_SIZE);
  for (let at = table === 0 ? tableEnd : reader.u32(table); at < tableEnd;) {
    const size = reader.u32(at + TABLE_TEXT_SIZE);
    set(reader.u32(at + TABLE_ATOM), `exact ${quote(bytes(reader, at + TABLE_TEXT, size))}`);
    at += TABLE_TEXT + size;
  }
  if (field(ATTRIBUTE_FORWARD) !== 0) {
    walkTrie(reader, field(ATTRIBUTE_FORWARD), (key, exact, prefix) => {
      set(exact, `exact ${quote(key)}`);
      set(prefix, `prefix ${quote(key)}`);
    });
  }
  if (field(ATTRIBUTE_REVERSE) !== 0) {
    walkTrie(reader, field(ATTRIBUTE_REVERSE), (key, _exact, prefix) => set(prefix, `suffix ${quote(backward(key))}`));
  }
  if (field(ATTRIBUTE_TEMPLATES) !== 0) walkTemplates(reader, field(ATTRIBUTE_TEMPLATES), '', set);
  const globsEnd = field(ATTRIBUTE_GLOBS) + field(ATTRIBUTE_GLOBS_SIZE);
  for (let glob = field(ATTRIBUTE_GLOBS); glob < globsEnd;) {
    const count = reader.u32(glob + GLOB_PIECE_COUNT);
    const pieces = Array.from({ length: count }, (_, i) => {
      const piece = glob + GLOB_PIECES + GLOB_PIECE_SIZE * i;
      return bytes(reader, reader.u32(piece), reader.u32(piece + 4));
    });
    set(reader.u32(glob), `glob ${quote(pieces.join('*'))}`);
    glob += GLOB_PIECES + GLOB_PIECE_SIZE * count;
  }
  ranges(reader, record, false, set);
  ranges(reader, record, true, set);
  return texts;
}

type Visit = (key: string, exact: number, prefix: number) => void;

function walkTrie(reader: ProgramReader, node: number, visit: Visit, above = ''): void {
  const labelSize = reader.u16(node + NODE_LABEL_SIZE);
  const count = reader.u16(node + NODE_CHILD_COUNT);
  const key = above + bytes(reader, node + NODE_LABEL, labelSize);
  visit(key, reader.u32(node + NODE_EXACT), reader.u32(node + NODE_PREFIX));
  const firsts = node + NODE_LABEL + labelSize;
  for (let i = 0; i < count; i++) {
    const child = reader.u32(firsts + count + 4 * i);
    walkTrie(reader, child, visit, key + String.fromCharCode(reader.u8(firsts + i)));
  }
}

function walkTemplates(
  reader: ProgramReader,
  node: number,
  above: string,
  set: (atom: number, text: string) => void,
): void {
  set(reader.u32(node + TEMPLATE_EXACT), `template ${quote(above)}`);
  const tails = reader.u32(node + TEMPLATE_TAILS);
  if (tails !== 0) {
    walkTrie(reader, tails, (key, _exact, prefix) => set(prefix, `template ${quote(`${above}/{**}${backward(key)}`)}`));
  }
  const star = reader.u32(node + TEMPLATE_STAR);
  if (star !== 0) walkTemplates(reader, star, `${above}/{*}`, set);
  for (let i = 0; i < reader.u32(node + TEMPLATE_CHILD_COUNT); i++) {
    const child = node + TEMPLATE_CHILDREN + TEMPLATE_CHILD_SIZE * i;
    const literal = bytes(reader, reader.u32(child), reader.u32(child + 4));
    walkTemplates(reader, reader.u32(child + 8), `${above}/${literal}`, set);
  }
}

/** Names each block by the addresses from which it is found: those of its ranges and of the blocks within it. */
function ranges(reader: ProgramReader, record: number, six: boolean, set: (atom: number, text: string) => void): void {
  const at = reader.u32(record + (six ? ATTRIBUTE_RANGES_6 : ATTRIBUTE_RANGES_4));
  const count = reader.u32(record + (six ? ATTRIBUTE_RANGES_6_COUNT : ATTRIBUTE_RANGES_4_COUNT));
  const parents = reader.u32(record + ATTRIBUTE_PARENTS) - 4 - 4 * reader.u32(record + ATTRIBUTE_FIRST_ATOM);
  const step = six ? RANGE_6_SIZE : RANGE_4_SIZE;
  const bits = six ? 128n : 32n;
  const first = (i: number): bigint => {
    if (i === count) return 1n << bits;
    const range = at + step * i;
    return six ? (reader.u64(range) << 64n) | reader.u64(range + 8) : BigInt(reader.u32(range));
  };
  const blocks = new Map<number, { readonly from: bigint; end: bigint }>();
  for (let i = 0; i < count; i++) {
    let atom = reader.u32(at + step * (i + 1) - 4);
    for (; atom !== 0; atom = reader.u32(parents + 4 * atom)) {
      const block = blocks.get(atom) ?? { from: first(i), end: 0n };
      block.end = first(i + 1);
      blocks.set(atom, block);
    }
  }
  for (const [atom, { from, end }] of blocks) {
    const length = bits + 1n - BigInt((end - from).toString(2).length);
    set(atom, `block ${six ? address6(from) : address4(Number(from))}/${length}`);
  }
}

const address4 = (address: number): string => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');

const address6 = (address: bigint): string =>
  Array.from({ length: 8 }, (_, i) => ((address >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':');

function bytes(reader: ProgramReader, at: number, size: number): string {
  return String.fromCharCode(...reader.bytes.subarray(at, at + size));
}

const backward = (text: string): string => text.split('').reverse().join('');

const decoder = new TextDecoder();

/** A binary string as the text it is; the bytes that part a request's principal become words. */
const unquoted = (binary: string): string =>
  decoder.decode(
    Uint8Array.from(
      binary.replace(/[\xfd-\xff]/g, (mark) => PRINCIPAL_PARTS[mark] ?? mark),
      (character) => character.charCodeAt(0),
    ),
  );

const PRINCIPAL_PARTS: Readonly<Record<string, string>> = {
  [String.fromCharCode(REQUEST_PRINCIPAL_WHOLE)]: '<issuer>',
  [String.fromCharCode(REQUEST_PRINCIPAL_BARE)]: '<no subject, issuer>',
  [String.fromCharCode(REQUEST_PRINCIPAL_SEPARATOR)]: '<subject>',
};

/** The same, in quotes. */
const quote = (binary: string): string => JSON.stringify(unquoted(binary));
