import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { anyPack, type Any } from '@bufbuild/protobuf/wkt';

/** Every schema that was packed, so that what is inside an Any can be found again by its type URL. */
const schemas = new Map<string, DescMessage>();

/** A message packed into `google.protobuf.Any`. */
export function any<S extends DescMessage>(schema: S, init: MessageInitShape<S>): Any {
  schemas.set(schema.typeName, schema);
  return anyPack(schema, create(schema, init));
}

/** The schema of something that `any` packed. */
export function schemaOf(typeUrl: string): DescMessage {
  const schema = schemas.get(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  if (schema === undefined) throw new Error(`${typeUrl} was packed by something else than any()`);
  return schema;
}
