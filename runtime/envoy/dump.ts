import { createRegistry, fromBinary, toJson, type JsonValue, type Registry } from '@bufbuild/protobuf';
import { file_google_protobuf_struct, file_google_protobuf_wrappers } from '@bufbuild/protobuf/wkt';
import { registry as api } from '#gen/registry.ts';
import type { XdsResource, XdsSnapshot } from './resource.ts';

const registry: Registry = createRegistry(api, file_google_protobuf_struct, file_google_protobuf_wrappers);

/** A resource as Envoy's JSON shows it, every nested extension opened. */
function dumpResource(resource: XdsResource): JsonValue {
  const name = resource.typeUrl.slice(resource.typeUrl.lastIndexOf('/') + 1);
  const schema = registry.getMessage(name);
  if (schema === undefined) throw new Error(`no schema for ${resource.typeUrl}`);
  return toJson(schema, fromBinary(schema, resource.value), { registry, useProtoFieldName: true });
}

/** A whole snapshot, by short type name and then by resource name, both sorted: the form of golden cases and `translate`. */
export function dumpSnapshot(snapshot: XdsSnapshot): Record<string, Record<string, JsonValue>> {
  const types = [...snapshot].map(([typeUrl, resources]) => {
    const sorted = [...resources.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const entries = sorted.map((resource) => [resource.name, dumpResource(resource)] as const);
    return [typeUrl.slice(typeUrl.lastIndexOf('.') + 1), Object.fromEntries(entries)] as const;
  });
  return Object.fromEntries(types.sort(([a], [b]) => (a < b ? -1 : 1)));
}
