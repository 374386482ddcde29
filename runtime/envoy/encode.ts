import { toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import type { XdsResource } from './resource.ts';
import { Slab } from './slab.ts';
import { type Template, write } from './template.ts';
import { versionOf } from './version.ts';

/** Encodes a resource and versions it by its bytes. */
export function encode<S extends DescMessage>(name: string, schema: S, message: MessageShape<S>): XdsResource {
  return encoded(`type.googleapis.com/${schema.typeName}`, name, toBinary(schema, message));
}

/** A resource whose bytes are there already. */
export function encoded(typeUrl: string, name: string, value: Uint8Array): XdsResource {
  return { typeUrl, name, version: versionOf(value), value };
}

/** What is encoded here goes one behind the other; nothing of it outlives a call but the bytes. */
const slab = new Slab();

/** A resource that a template makes. */
export function filled(
  typeUrl: string,
  name: string,
  template: Template,
  values: readonly (string | Uint8Array)[],
): XdsResource {
  slab.begin();
  write(slab, template, values);
  return encoded(typeUrl, name, slab.finish());
}

/** A resource that is put together of several parts: `parts` writes them, the last one first. */
export function composed(typeUrl: string, name: string, parts: (slab: Slab) => void): XdsResource {
  slab.begin();
  parts(slab);
  return encoded(typeUrl, name, slab.finish());
}

/** `google.protobuf.Duration` of milliseconds. */
export const duration = (ms: number): { seconds: bigint; nanos: number } => ({
  seconds: BigInt(Math.floor(ms / 1000)),
  nanos: Math.round((ms % 1000) * 1e6),
});

export const NONE = duration(0);
