import { dnsLabel, dnsSubdomain } from './dns-name.ts';
import { portNumber } from './port.ts';
import * as s from './schema.ts';

const gatewayGroup = 'gateway.networking.k8s.io';

/** An API group; empty is the core group. */
export const group = s.string({
  format: ['an API group', (text) => text === '' || dnsSubdomain[1](text)],
});

export const kindName = s.string({
  format: ['a kind', (text) => text.length <= 63 && /^[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/.test(text)],
});

export const objectName = s.string({ min: 1, max: 253 });
export const namespaceName = s.string({ format: dnsLabel });
export const sectionName = s.string({ format: dnsSubdomain });

/** LocalObjectReference. */
export const localReference = s.object({
  group: s.required(group),
  kind: s.required(kindName),
  name: s.required(objectName),
});

/** SecretObjectReference. */
export const secretReference = s.object({
  group: s.withDefault(group, ''),
  kind: s.withDefault(kindName, 'Secret'),
  name: s.required(objectName),
  namespace: namespaceName,
});

/** ParentReference: what a route is attached to. */
export const parentReference = s.object({
  group: s.withDefault(group, gatewayGroup),
  kind: s.withDefault(kindName, 'Gateway'),
  namespace: namespaceName,
  name: s.required(objectName),
  sectionName,
  port: portNumber,
});

/** BackendObjectReference, as fields, because a backendRef adds some. */
export const backendFields = {
  group: s.withDefault(group, ''),
  kind: s.withDefault(kindName, 'Service'),
  name: s.required(objectName),
  namespace: namespaceName,
  port: portNumber,
};
