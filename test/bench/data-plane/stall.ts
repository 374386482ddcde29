import { join } from 'node:path';
import { create, fromJson, type JsonValue } from '@bufbuild/protobuf';
import { any } from '#envoy/any.ts';
import { encode } from '#envoy/encode.ts';
import { createEmitter } from '#envoy/index.ts';
import { filterName, portName, type Feature } from '#envoy/names.ts';
import { DEFAULTS } from '#envoy/options.ts';
import { EXTENSION, SECRET, type XdsResource, type XdsSnapshot } from '#envoy/resource.ts';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.ts';
import { RBACSchema } from '#gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
import type { AuthzPolicySet } from '#model/authz.ts';
import type { Backend, Endpoint, ServiceName } from '#model/backend.ts';
import { spiffeId } from '#model/identity.ts';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { split } from '#policy/service-port.fixture.ts';
import { rulesConfig } from './native-rbac.ts';

// The waypoint's configuration: every variant is a service of its own, so that one Envoy holds all and nothing but
// their filters differs.

export const TRUST_DOMAIN = 'cluster.local';
export const NAMESPACE = 'shop';
export const PORT = 9080;
const FEATURES: readonly Feature[] = ['metrics', 'authz', 'fault', 'routing'];

export const BARE = 'waypoint without filters';
export const NATIVE_ONE = 'native RBAC rules, 1';
export const ALL_FEATURES = 'waypoint, all four';

/** One service of the waypoint. */
export interface Stall {
  readonly name: string;
  readonly baseline?: string;
  readonly features: readonly Feature[];
  readonly policies: AuthzPolicySet;
  /** Stock RBAC with the same policies in the place of our filter. */
  readonly native?: boolean;
}

/** All that is measured: without filters, with one, with all, and with Envoy's own. */
export function stallsOf(many: AuthzPolicySet, one: AuthzPolicySet, count: number): readonly Stall[] {
  const size = count.toLocaleString('en');
  const base = { baseline: BARE, policies: many };
  return [
    { name: BARE, features: [], policies: many },
    { ...base, name: `authz, ${size}`, features: ['authz'] },
    { ...base, name: `native RBAC rules, ${size}`, features: ['authz'], native: true },
    { ...base, name: NATIVE_ONE, features: ['authz'], policies: one, native: true },
    { ...base, name: 'routing', features: ['routing'] },
    { ...base, name: 'fault', features: ['fault'] },
    { ...base, name: 'metrics', features: ['metrics'] },
    { ...base, name: ALL_FEATURES, features: FEATURES },
  ];
}

/** Where callers find the stall at this place of the list. */
export const virtualAddress = (i: number): string => `10.96.7.${i + 1}`;

/** What the runtime would serve: every stall emitted with its own filters, all in one snapshot. */
export function configuration(
  stalls: readonly Stall[],
  destination: { readonly address: string; readonly port: number },
  bind: { readonly address: string; readonly port: number },
  identity: readonly XdsResource[],
  filters: string,
): XdsSnapshot {
  const module = (feature: Feature): string => join(filters, `${feature}.release.wasm`);
  const modules = {
    authz: module('authz'),
    routing: module('routing'),
    fault: module('fault'),
    metrics: module('metrics'),
  };
  const merged = new Map<string, Map<string, XdsResource>>();
  for (const [i, stall] of stalls.entries()) {
    const without = FEATURES.filter((feature) => !stall.features.includes(feature));
    const waypoint = waypointOf(stall, i, destination);
    const emitted = createEmitter({ ...DEFAULTS, bind, modules, without })(waypoint);
    for (const [type, resources] of emitted) merged.set(type, new Map([...(merged.get(type) ?? []), ...resources]));
    const [port] = waypoint.ports;
    if (stall.native && port) {
      const name = filterName('authz', portName(port));
      merged.get(EXTENSION)?.set(name, nativeFilter(name, stall.policies));
    }
  }
  return merged.set(SECRET, new Map(identity.map((secret) => [secret.name, secret])));
}

function nativeFilter(name: string, policies: AuthzPolicySet): XdsResource {
  const { '@type': _type, ...rules } = rulesConfig(policies);
  const config = fromJson(RBACSchema, rules as JsonValue);
  return encode(
    name,
    TypedExtensionConfigSchema,
    create(TypedExtensionConfigSchema, { name, typedConfig: any(RBACSchema, config) }),
  );
}

function waypointOf(stall: Stall, i: number, destination: { address: string; port: number }): Waypoint {
  const service: ServiceName = {
    namespace: NAMESPACE,
    name: `stall-${i}`,
    host: `stall-${i}.${NAMESPACE}.svc.cluster.local`,
  };
  const endpoint: Endpoint = {
    ...destination,
    tunnel: 'hbone',
    identity: spiffeId(TRUST_DOMAIN, NAMESPACE, 'reviews'),
    workload: { name: 'reviews-v1', namespace: NAMESPACE, app: 'reviews', version: 'v1' },
    weight: 1,
  };
  const backends = ['v1', 'v2'].map((subset): Backend => ({
    name: `inbound-vip|${PORT}|http/${subset}|${service.host}`,
    service,
    port: PORT,
    protocol: 'http',
    endpoints: [endpoint],
    connectTimeoutMs: 5_000,
    loadBalancer: 'LEAST_REQUEST',
  }));
  const [first, second] = backends.map(({ name }) => name);
  const route = split('default', { [first ?? '']: 90, [second ?? '']: 10 });
  const fault = stall.features.includes('fault') ? { fault: { delay: { fixedMs: 1, perMillion: 1 } } } : {};
  const port: ServicePort = {
    service,
    port: PORT,
    addresses: [virtualAddress(i)],
    protocol: 'http',
    backend: first ?? '',
    routes: [{ ...route, ...fault }],
    authz: stall.policies,
  };
  return {
    namespace: NAMESPACE,
    name: 'waypoint',
    trustDomain: TRUST_DOMAIN,
    trustDomainAliases: [],
    extensionProviders: [],
    ports: [port],
    backends,
    workloads: [],
    workloadAuthz: { policies: [] },
    sources: [],
  };
}
