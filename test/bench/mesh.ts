import type { AuthzPolicySet } from '#model/authz.ts';
import type { Backend } from '#model/backend.ts';
import type { Route } from '#model/route.ts';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { spiffeId } from '#model/identity.ts';

// A mesh of N alike services: an HTTP port, two versions with one endpoint each, a split of 90 to 10 and one policy of
// one principal, one method and one path. The same workload as the figures that were measured of istiod.

const TRUST_DOMAIN = 'cluster.local';

export const serviceHost = (index: number): string => `svc-${index}.mesh.svc.cluster.local`;

/** `10.64.0.0/10` holds four million. */
export const serviceAddress = (index: number): string =>
  `10.${64 + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}`;

const NO_MUTATIONS = { set: [], add: [], remove: [] };

const none = { any: [], none: [] };

export function policies(index: number, path = '/api'): AuthzPolicySet {
  const exact = (value: string) => ({ kind: 'exact' as const, value });
  return {
    policies: [
      {
        namespace: 'mesh',
        name: `svc-${index}`,
        action: 'ALLOW',
        rules: [
          {
            from: [
              {
                principals: { any: [exact(`${TRUST_DOMAIN}/ns/mesh/sa/client-${index % 10}`)], none: [] },
                namespaces: none,
                ipBlocks: none,
              },
            ],
            to: [
              {
                hosts: none,
                methods: { any: [exact('GET')], none: [] },
                paths: { any: [exact(path)], none: [] },
                ports: none,
              },
            ],
            when: [],
          },
        ],
      },
    ],
  };
}

const backendName = (index: number, version: number): string =>
  `inbound-vip|9080|http|svc-${index}-v${version}.mesh.svc.cluster.local`;

function backend(index: number, version: number): Backend {
  const name = `svc-${index}-v${version}`;
  return {
    name: backendName(index, version),
    service: { namespace: 'mesh', name, host: `${name}.mesh.svc.cluster.local` },
    port: 9080,
    protocol: 'http',
    endpoints: [
      {
        address: `10.${128 + version}.${(index >> 8) & 255}.${index & 255}`,
        port: 9080,
        tunnel: 'hbone',
        identity: spiffeId(TRUST_DOMAIN, 'mesh', `svc-${index}`),
        workload: { name, namespace: 'mesh', app: `svc-${index}`, version: `v${version}` },
        weight: 1,
      },
    ],
    connectTimeoutMs: 10_000,
    loadBalancer: 'LEAST_REQUEST',
  };
}

function route(index: number, versions: number, weights = [90, 10]): Route {
  return {
    name: `mesh.svc-${index}.0`,
    match: { path: { kind: 'prefix', value: '/' }, headers: [], query: [] },
    action: {
      kind: 'forward',
      backends: Array.from({ length: versions }, (_, version) => ({
        backend: backendName(index, version + 1),
        weight: weights[version] ?? 1,
        requestHeaders: NO_MUTATIONS,
        responseHeaders: NO_MUTATIONS,
      })),
      timeoutMs: 0,
    },
    requestHeaders: NO_MUTATIONS,
    responseHeaders: NO_MUTATIONS,
  };
}

export function servicePort(index: number, versions: number): ServicePort {
  return {
    service: { namespace: 'mesh', name: `svc-${index}`, host: serviceHost(index) },
    port: 9080,
    addresses: [serviceAddress(index)],
    protocol: 'http',
    backend: backendName(index, 1),
    routes: [route(index, versions)],
    authz: policies(index),
  };
}

/** A waypoint of services `0` to `count - 1` with `versions` clusters each. */
export function mesh(count: number, versions = 1): Waypoint {
  const indices = Array.from({ length: count }, (_, index) => index);
  return {
    namespace: 'mesh',
    name: 'waypoint',
    trustDomain: TRUST_DOMAIN,
    ports: indices.map((index) => servicePort(index, versions)),
    backends: indices.flatMap((index) => Array.from({ length: versions }, (_, version) => backend(index, version + 1))),
    workloads: [],
    workloadAuthz: { policies: [] },
    sources: [],
  };
}
