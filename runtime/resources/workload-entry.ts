import type { KindDefinition } from './kind.ts';
import { portNumber } from './port.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const spec = s.object({
  /** An IP address, a host name, or `unix://…`. */
  address: s.string(),
  ports: s.map(portNumber),
  labels: s.map(s.string()),
  network: s.string(),
  locality: s.string(),
  weight: s.integer(0, 2 ** 32 - 1),
  serviceAccount: s.string(),
});

export type WorkloadEntry = Resource<'WorkloadEntry', s.Infer<typeof spec>>;

export const workloadEntry = {
  kind: 'WorkloadEntry',
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({ spec: s.required(spec), status: s.ignored() }),
} satisfies KindDefinition<'WorkloadEntry'>;
