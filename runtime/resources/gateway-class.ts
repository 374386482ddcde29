import type { KindDefinition } from './kind.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const spec = s.object({
  controllerName: s.required(s.string({ min: 1, max: 253 })),
  description: s.ignored(),
  parametersRef: s.unsupported(s.anything(), 'spec.parametersRef'),
});

export type GatewayClass = Resource<'GatewayClass', s.Infer<typeof spec>>;

export const gatewayClass = {
  kind: 'GatewayClass',
  group: 'gateway.networking.k8s.io',
  versions: ['v1', 'v1beta1'],
  namespaced: false,
  name: 'subdomain',
  body: s.object({ spec: s.required(spec), status: s.ignored() }),
} satisfies KindDefinition<'GatewayClass'>;
