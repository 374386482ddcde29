import type { KindDefinition } from './kind.ts';
import { portNumber, protocol } from './port.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const endpoint = s.object({
  addresses: s.required(s.list(s.string({ min: 1 }), { min: 1, max: 100 })),
  conditions: s.object({ ready: s.boolean(), serving: s.boolean(), terminating: s.boolean() }),
  targetRef: s.object({
    kind: s.string(),
    namespace: s.string(),
    name: s.string(),
    apiVersion: s.ignored(),
    fieldPath: s.ignored(),
    resourceVersion: s.ignored(),
    uid: s.ignored(),
  }),
  hostname: s.string(),
  nodeName: s.string(),
  zone: s.string(),
  hints: s.ignored(),
  deprecatedTopology: s.ignored(),
});

const port = s.object({
  name: s.optional(s.string({ max: 63 })),
  port: portNumber,
  protocol: s.withDefault(protocol, 'TCP'),
  appProtocol: s.string(),
});

const body = s.object({
  addressType: s.required(s.enumeration('IPv4', 'IPv6', 'FQDN')),
  endpoints: s.list(endpoint, { max: 1000 }),
  ports: s.list(port, { max: 100 }),
});

/** The API has these fields at the top; a path is therefore `endpoints[0].addresses`, without `spec`. */
export type EndpointSlice = Resource<'EndpointSlice', s.Infer<typeof body>>;

export const endpointSlice = {
  kind: 'EndpointSlice',
  group: 'discovery.k8s.io',
  versions: ['v1'],
  namespaced: true,
  name: 'subdomain',
  body,
  bodyIsSpec: true,
} satisfies KindDefinition<'EndpointSlice'>;
