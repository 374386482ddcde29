import type { KindDefinition } from './kind.ts';
import { group, kindName, namespaceName, objectName } from './reference.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const from = s.object({
  group: s.required(group),
  kind: s.required(kindName),
  namespace: s.required(namespaceName),
});

const to = s.object({
  group: s.required(group),
  kind: s.required(kindName),
  /** Absent: every object of the kind. */
  name: objectName,
});

const spec = s.object({
  from: s.required(s.list(from, { min: 1, max: 16 })),
  to: s.required(s.list(to, { min: 1, max: 16 })),
});

export type ReferenceGrant = Resource<'ReferenceGrant', s.Infer<typeof spec>>;

export const referenceGrant = {
  kind: 'ReferenceGrant',
  group: 'gateway.networking.k8s.io',
  versions: ['v1beta1', 'v1', 'v1alpha2'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({ spec: s.required(spec), status: s.ignored() }),
} satisfies KindDefinition<'ReferenceGrant'>;
