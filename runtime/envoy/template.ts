import { create, toBinary, type DescField, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { schemaOf } from './any.ts';
import type { Slab } from './slab.ts';

/**
 * Messages of one shape that differ in a few texts, encoded at the speed of copying.
 *
 * A thousand services need ten thousand resources, and building each as a message object costs a hundred microseconds.
 * Here the message is built once, typed and checked as always, with a hole in place of every text that differs; the
 * encoded bytes are cut at the holes; and from then on only lengths are computed anew:
 *
 *   Listener{ name: ▢, filter_chains: [{ … Any{ HttpConnectionManager{ rds: ▢ } } }] }
 *     ──► bytes · len ▢ · bytes · len( bytes · len( bytes · len ▢ ) ) · bytes
 *
 * A template is that as the steps of writing it from behind (slab.ts).
 */
export type Template = readonly Step[];

/** Bytes as they are, the value of a position, or an end of a part that has its length in front: its last byte comes first. */
type Step = Uint8Array | number;
const PART_ENDS = -1;
const PART_BEGINS = -2;

/** Stands for the value of that position; may be part of a longer text. In a bytes field: `holeBytes`. */
export const hole = (index: number): string => `\u0001${index}\u0002`;

export const holeBytes = (index: number): Uint8Array => Buffer.from(hole(index));

/** Makes a template of a message with holes. */
export function template<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Template {
  const steps: Step[] = [];
  reversed(cut(schema, toBinary(schema, create(schema, init))), steps);
  return steps;
}

function reversed(parts: readonly Part[], steps: Step[]): void {
  for (const part of parts.toReversed()) {
    if (part.kind === 'bytes') steps.push(part.bytes);
    else if (part.kind === 'value') steps.push(part.index);
    else {
      steps.push(PART_ENDS);
      reversed(part.parts, steps);
      steps.push(PART_BEGINS);
    }
  }
}

/** Writes a message in front of what the slab's message in hand has already. */
export function write(slab: Slab, steps: Template, values: readonly (string | Uint8Array)[]): void {
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    if (typeof step !== 'number') slab.raw(step);
    else if (step >= 0) {
      const value = values[step] ?? '';
      if (typeof value === 'string') slab.text(value);
      else slab.raw(value);
    } else if (step === PART_ENDS) slab.partEnds();
    else slab.partBegins();
  }
}

/** Puts the head of a field in front of what was written since `slab.partEnds()`; for lists whose length differs. */
export function enclose(slab: Slab, { number }: DescField): void {
  slab.partBegins();
  slab.varint((number << 3) | WireType.LengthDelimited);
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
