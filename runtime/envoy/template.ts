import { create, toBinary, type DescField, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { schemaOf } from './any.ts';

/**
 * Messages of one shape that differ in a few texts, encoded at the speed of copying.
 *
 * A thousand services need ten thousand resources, and building each as a message object costs a hundred microseconds.
 * Here the message is built once, typed and checked as always, with a hole in place of every text that differs; the
 * encoded bytes are cut at the holes; and from then on only lengths are computed anew:
 *
 *   Listener{ name: ▢, filter_chains: [{ … Any{ HttpConnectionManager{ rds: ▢ } } }] }
 *     ──► bytes · len ▢ · bytes · len( bytes · len( bytes · len ▢ ) ) · bytes
 */
export type Template = (...values: readonly (string | Uint8Array)[]) => Uint8Array;

/** Stands for the value of that position; may be part of a longer text. In a bytes field: `holeBytes`. */
export const hole = (index: number): string => `\u0001${index}\u0002`;

export const holeBytes = (index: number): Uint8Array => Buffer.from(hole(index));

/** Makes a template of a message with holes. */
export function template<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Template {
  const parts = cut(schema, toBinary(schema, create(schema, init)));
  return (...values) => render(parts, values);
}

/** Bytes as they are, a value, or a part whose length depends on the values in it. */
type Part =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'value'; readonly index: number }
  | { readonly kind: 'sized'; readonly parts: readonly Part[] };

const OPEN = 1;

function cut(schema: DescMessage, bytes: Uint8Array): readonly Part[] {
  if (!bytes.includes(OPEN)) return [{ kind: 'bytes', bytes }];
  const reader = new BinaryReader(bytes);
  const parts: Part[] = [];
  let typeUrl = '';
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const tagEnd = reader.pos;
    if (wireType !== WireType.LengthDelimited) {
      reader.skip(wireType);
      parts.push({ kind: 'bytes', bytes: bytes.subarray(start, reader.pos) });
      continue;
    }
    const payload = reader.bytes();
    if (schema.typeName === 'google.protobuf.Any' && number === 1) typeUrl = Buffer.from(payload).toString();
    const field = schema.fields.find((candidate) => candidate.number === number);
    const inner = cutField(schema, field, payload, typeUrl);
    if (inner.length === 1 && inner[0]?.kind === 'bytes') {
      parts.push({ kind: 'bytes', bytes: bytes.subarray(start, reader.pos) });
    } else {
      parts.push({ kind: 'bytes', bytes: bytes.subarray(start, tagEnd) }, { kind: 'sized', parts: inner });
    }
  }
  return join(parts);
}

function cutField(
  owner: DescMessage,
  field: DescField | undefined,
  payload: Uint8Array,
  typeUrl: string,
): readonly Part[] {
  if (owner.typeName === 'google.protobuf.Any' && field?.number === 2) return cut(schemaOf(typeUrl), payload);
  if (field?.fieldKind === 'map') return cutEntry(field, payload);
  const message = field?.fieldKind === 'message' || field?.fieldKind === 'list' ? field.message : undefined;
  return message === undefined ? cutText(payload) : cut(message, payload);
}

/** A map is a list of messages with the key as field 1 and the value as field 2. */
function cutEntry(field: Extract<DescField, { fieldKind: 'map' }>, payload: Uint8Array): readonly Part[] {
  const reader = new BinaryReader(payload);
  const parts: Part[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number] = reader.tag();
    const tag = payload.subarray(start, reader.pos);
    const content = reader.bytes();
    const inner = number === 2 && field.message !== undefined ? cut(field.message, content) : cutText(content);
    parts.push({ kind: 'bytes', bytes: tag }, { kind: 'sized', parts: inner });
  }
  return parts;
}

function cutText(payload: Uint8Array): readonly Part[] {
  const text = Buffer.from(payload).toString('latin1');
  const parts: Part[] = [];
  let from = 0;
  // oxlint-disable-next-line no-control-regex -- the marks are control characters because no name holds any
  for (const match of text.matchAll(/\u0001(\d+)\u0002/g)) {
    if (match.index > from) parts.push({ kind: 'bytes', bytes: payload.subarray(from, match.index) });
    parts.push({ kind: 'value', index: Number(match[1]) });
    from = match.index + match[0].length;
  }
  if (from < payload.length || parts.length === 0) parts.push({ kind: 'bytes', bytes: payload.subarray(from) });
  return parts;
}

/** Neighbouring runs of bytes as one. */
function join(parts: readonly Part[]): readonly Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.kind === 'bytes' && last?.kind === 'bytes') {
      joined[joined.length - 1] = { kind: 'bytes', bytes: Buffer.concat([last.bytes, part.bytes]) };
    } else joined.push(part);
  }
  return joined;
}

type Value = string | Uint8Array;

/** Lengths of the sized parts of the message in hand, in the order in which both passes meet them. */
const lengths: number[] = [];

function render(parts: readonly Part[], values: readonly Value[]): Uint8Array {
  const sizes = values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : value.length));
  lengths.length = 0;
  const out = Buffer.allocUnsafe(measure(parts, sizes));
  write(parts, values, sizes, { out, at: 0, next: 0 });
  return out;
}

function measure(parts: readonly Part[], sizes: readonly number[]): number {
  let size = 0;
  for (const part of parts) {
    if (part.kind === 'bytes') size += part.bytes.length;
    else if (part.kind === 'value') size += sizes[part.index] ?? 0;
    else {
      const place = lengths.push(0) - 1;
      const inner = measure(part.parts, sizes);
      lengths[place] = inner;
      size += varintSize(inner) + inner;
    }
  }
  return size;
}

interface Cursor {
  readonly out: Buffer;
  at: number;
  /** Of `lengths`. */
  next: number;
}

function write(parts: readonly Part[], values: readonly Value[], sizes: readonly number[], cursor: Cursor): void {
  for (const part of parts) {
    if (part.kind === 'bytes') {
      cursor.out.set(part.bytes, cursor.at);
      cursor.at += part.bytes.length;
    } else if (part.kind === 'value') {
      const value = values[part.index] ?? '';
      if (typeof value === 'string') cursor.out.write(value, cursor.at);
      else cursor.out.set(value, cursor.at);
      cursor.at += sizes[part.index] ?? 0;
    } else {
      cursor.at = writeVarint(lengths[cursor.next++] ?? 0, cursor.out, cursor.at);
      write(part.parts, values, sizes, cursor);
    }
  }
}

const varintSize = (value: number): number =>
  value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : value < 268_435_456 ? 4 : 5;

function writeVarint(value: number, out: Buffer, start: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

/** One length-delimited field around bytes that are there already; for lists whose length differs. */
export function field({ number }: DescField, ...contents: readonly Uint8Array[]): Uint8Array {
  const size = contents.reduce((sum, content) => sum + content.length, 0);
  const tag = (number << 3) | WireType.LengthDelimited;
  const out = Buffer.allocUnsafe(varintSize(tag) + varintSize(size) + size);
  let at = writeVarint(size, out, writeVarint(tag, out, 0));
  for (const content of contents) {
    out.set(content, at);
    at += content.length;
  }
  return out;
}
