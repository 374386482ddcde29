import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Backend } from '#model/backend.ts';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { createEmitter } from './index.ts';
import { DEFAULTS, type EmitOptions } from './options.ts';
import { CLUSTER, EXTENSION, LISTENER, ROUTES, type XdsSnapshot } from './resource.ts';

const options: EmitOptions = {
  ...DEFAULTS,
  modules: { authz: 'authz.wasm', routing: 'routing.wasm', fault: 'fault.wasm', metrics: 'metrics.wasm' },
};

const NO_HEADERS = { set: [], add: [], remove: [] };

const service = (index: number) => ({ namespace: 'shop', name: `s${index}`, host: `s${index}.shop.svc.cluster.local` });

const port = (index: number, denied: number): ServicePort => ({
  service: service(index),
  port: 80,
  addresses: [`10.96.0.${index + 1}`],
  protocol: 'http',
  backend: `inbound-vip|80|http|${service(index).host}`,
  routes: [
    {
      name: 'default',
      match: { path: { kind: 'prefix', value: '/' }, headers: [], query: [] },
      action: {
        kind: 'forward',
        backends: [
          {
            backend: `inbound-vip|80|http|${service(index).host}`,
            weight: 1,
            requestHeaders: NO_HEADERS,
            responseHeaders: NO_HEADERS,
          },
        ],
        timeoutMs: 0,
      },
      requestHeaders: NO_HEADERS,
      responseHeaders: NO_HEADERS,
    },
  ],
  authz: denied === 0 ? { policies: [] } : { policies: [], closed: `variant ${denied}` },
});

const backend = (index: number): Backend => ({
  name: `inbound-vip|80|http|${service(index).host}`,
  service: service(index),
  port: 80,
  protocol: 'http',
  endpoints: [],
  connectTimeoutMs: 10_000,
  loadBalancer: 'LEAST_REQUEST',
});

/** One object for one meaning, as translation gives it. */
const ports = new Map<string, ServicePort>();
const backends = Array.from({ length: 8 }, (_, index) => backend(index));
const workloads: Waypoint['workloads'] = [];
const workloadAuthz = { policies: [] };

/** The same list for all, as translation gives it. */
const NO_ALIASES: readonly string[] = [];
const NO_PROVIDERS: Waypoint['extensionProviders'] = [];

function waypoint(variants: readonly (number | undefined)[]): Waypoint {
  const present = variants.flatMap((variant, index) => (variant === undefined ? [] : [{ index, variant }]));
  return {
    namespace: 'shop',
    name: 'waypoint',
    trustDomain: 'cluster.local',
    trustDomainAliases: NO_ALIASES,
    extensionProviders: NO_PROVIDERS,
    ports: present.map(({ index, variant }) => {
      const key = `${index} ${variant}`;
      const known = ports.get(key) ?? port(index, variant);
      ports.set(key, known);
      return known;
    }),
    backends: present.flatMap(({ index }) => backends[index] ?? []),
    workloads,
    workloadAuthz,
    sources: [],
  };
}

const content = (snapshot: XdsSnapshot): unknown =>
  [...snapshot]
    .map(
      ([type, resources]) =>
        [type, [...resources.values()].map(({ name, version }) => `${name} ${version}`).sort()] as const,
    )
    .filter(([, resources]) => resources.length > 0)
    .sort(([a], [b]) => (a < b ? -1 : 1));

describe('createEmitter', () => {
  it('gives after any history what it gives at once', () => {
    const variants = fc.array(fc.option(fc.nat(2), { nil: undefined }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(fc.array(variants, { minLength: 1, maxLength: 6 }), (history) => {
        const emit = createEmitter(options);
        for (const step of history)
          expect(content(emit(waypoint(step)))).toEqual(content(createEmitter(options)(waypoint(step))));
      }),
      { seed: Number(process.env['PORTOLAN_SEED'] ?? Date.now() % 1e9), numRuns: 60, verbose: true },
    );
  });

  it('changes the programs alone when a policy changes, and keeps all other types the same map', () => {
    const emit = createEmitter(options);
    const before = emit(waypoint([0, 0, 0]));
    const after = emit(waypoint([0, 1, 0]));
    for (const type of [LISTENER, CLUSTER, ROUTES]) expect(after.get(type)).toBe(before.get(type));
    const programs = [...(after.get(EXTENSION)?.values() ?? [])];
    const differing = programs.filter(({ name, version }) => before.get(EXTENSION)?.get(name)?.version !== version);
    expect(differing.map(({ name }) => name)).toEqual(['authz/s1.shop.svc.cluster.local:80']);
    expect(emit(waypoint([0, 1, 0]))).toBe(after);
  });
});
