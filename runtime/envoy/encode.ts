import { createHash } from 'node:crypto';
import { create, toBinary, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { anyPack, type Any } from '@bufbuild/protobuf/wkt';
import type { TypedExtensionConfig } from '#gen/envoy/config/core/v3/extension_pb.ts';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.ts';
import type { XdsResource } from './resource.ts';

/** A message packed into `google.protobuf.Any`. */
export function any<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Any {
  return anyPack(schema, create(schema, init));
}

/** An extension as most places of the Envoy API take it. */
export function extension<S extends DescMessage>(
  name: string,
  schema: S,
  init: MessageInitShape<S>,
): TypedExtensionConfig {
  return create(TypedExtensionConfigSchema, { name, typedConfig: any(schema, init) });
}

/** Encodes a resource and versions it by its bytes. */
export function encode<S extends DescMessage>(name: string, schema: S, message: MessageShape<S>): XdsResource {
  return encoded(name, schema, toBinary(schema, message));
}

/** A resource whose bytes are there already. */
export function encoded(name: string, schema: DescMessage, value: Uint8Array): XdsResource {
  const version = createHash('sha1').update(value).digest('hex').slice(0, 16);
  return { typeUrl: `type.googleapis.com/${schema.typeName}`, name, version, value };
}

/** `google.protobuf.Duration` of milliseconds. */
export const duration = (ms: number): { seconds: bigint; nanos: number } => ({
  seconds: BigInt(Math.floor(ms / 1000)),
  nanos: Math.round((ms % 1000) * 1e6),
});

export const NONE = duration(0);
