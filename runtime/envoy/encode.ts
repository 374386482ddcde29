import { hash } from 'node:crypto';
import { toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import type { XdsResource } from './resource.ts';

/** Encodes a resource and versions it by its bytes. */
export function encode<S extends DescMessage>(name: string, schema: S, message: MessageShape<S>): XdsResource {
  return encoded(name, schema, toBinary(schema, message));
}

/** A resource whose bytes are there already. */
export function encoded(name: string, schema: DescMessage, value: Uint8Array): XdsResource {
  const version = hash('sha1', value, 'hex').slice(0, 16);
  return { typeUrl: `type.googleapis.com/${schema.typeName}`, name, version, value };
}

/** `google.protobuf.Duration` of milliseconds. */
export const duration = (ms: number): { seconds: bigint; nanos: number } => ({
  seconds: BigInt(Math.floor(ms / 1000)),
  nanos: Math.round((ms % 1000) * 1e6),
});

export const NONE = duration(0);
