import type { KindDefinition } from './kind.ts';
import { meshText } from './mesh-config.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

/** Other keys belong to other readers: `meshNetworks`, and whatever a person put there. */
const spec = s.object({
  data: s.withDefault(s.object({ mesh: meshText, meshNetworks: s.ignored() }, { open: true }), {}),
  binaryData: s.ignored(),
  immutable: s.ignored(),
});

export type ConfigMap = Resource<'ConfigMap', s.Infer<typeof spec>>;

/** The one that Istio keeps its mesh configuration in. */
export const MESH_CONFIG = 'istio';

export const configMap = {
  kind: 'ConfigMap',
  group: '',
  versions: ['v1'],
  namespaced: true,
  name: 'subdomain',
  only: MESH_CONFIG,
  body: spec,
  bodyIsSpec: true,
} satisfies KindDefinition<'ConfigMap'>;
