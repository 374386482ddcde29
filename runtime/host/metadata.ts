import { utf8 } from './memory.ts';

/** A value of JSON, as filters of Envoy leave it in metadata. */
export type MetadataValue =
  | null
  | boolean
  | number
  | string
  | readonly MetadataValue[]
  | { readonly [key: string]: MetadataValue };

/**
 * Dynamic metadata, by the name of the filter that left it, as the property `metadata` gives it: a serialized
 * envoy.config.core.v3.Metadata. Envoy writes the members of a map in any order; here they keep theirs.
 */
export function encodeMetadata(
  metadata: Readonly<Record<string, Readonly<Record<string, MetadataValue>>>>,
): Uint8Array {
  return mapField(metadata, (fields) => mapField(fields, encodeMetadataValue));
}

/** A message that is a map in field 1. */
function mapField<T>(map: Readonly<Record<string, T>>, encode: (value: T) => Uint8Array): Uint8Array {
  return concat(
    Object.entries(map).map(([key, value]) =>
      bytesField(1, concat([bytesField(1, utf8(key)), bytesField(2, encode(value))])),
    ),
  );
}

/** One value, as a serialized google.protobuf.Value. */
export function encodeMetadataValue(value: MetadataValue): Uint8Array {
  if (value === null) return Uint8Array.of(tag(1, VARINT), 0);
  if (typeof value === 'number') return concat([Uint8Array.of(tag(2, FIXED_64)), float64(value)]);
  if (typeof value === 'string') return bytesField(3, utf8(value));
  if (typeof value === 'boolean') return Uint8Array.of(tag(4, VARINT), value ? 1 : 0);
  if (isList(value)) return bytesField(6, concat(value.map((item) => bytesField(1, encodeMetadataValue(item)))));
  return bytesField(5, mapField(value, encodeMetadataValue));
}

const isList = (value: MetadataValue): value is readonly MetadataValue[] => Array.isArray(value);

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;

const tag = (field: number, type: number): number => (field << 3) | type;

const bytesField = (field: number, bytes: Uint8Array): Uint8Array =>
  concat([Uint8Array.of(tag(field, BYTES)), varint(bytes.length), bytes]);

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.of(...bytes, rest);
    bytes.push((rest % 128) | 0x80);
  }
}

function float64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
