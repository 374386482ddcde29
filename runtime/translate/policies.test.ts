import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ResourceStore } from '#resources/store.ts';
import { createTranslator, type Translation } from './index.ts';

const SERVICES = [1, 2, 3];

const base = `
{ apiVersion: v1, kind: Namespace, metadata: { name: app, labels: { istio.io/use-waypoint: waypoint } } }
---
{ apiVersion: v1, kind: Namespace, metadata: { name: other, labels: { istio.io/use-waypoint: waypoint, istio.io/use-waypoint-namespace: app } } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: waypoint, namespace: app }
spec: { gatewayClassName: portolan, listeners: [{ name: mesh, port: 15008, protocol: HBONE, allowedRoutes: { namespaces: { from: All } } }] }
${['app', 'other']
  .flatMap((namespace, at) =>
    SERVICES.map(
      (index) => `---
{ apiVersion: v1, kind: Service, metadata: { name: s${index}, namespace: ${namespace} }, spec: { clusterIP: 10.96.${at}.${index}, ports: [{ name: http, port: 80 }, { name: tcp, port: 81 }] } }`,
    ),
  )
  .join('\n')}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: route, namespace: app }
spec:
  parentRefs: [{ kind: Service, group: "", name: s1 }, { kind: Service, group: "", name: s2 }]
  rules: [{ backendRefs: [{ name: s1, port: 80 }] }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: entry, namespace: app }
spec: { hosts: [entry.example], addresses: [10.96.9.1], ports: [{ number: 80, name: http }], resolution: STATIC, endpoints: [{ address: 10.1.1.1 }] }
`;

const KINDS: Readonly<Record<string, string>> = {
  waypoint: 'group: gateway.networking.k8s.io, kind: Gateway',
  route: 'group: gateway.networking.k8s.io, kind: HTTPRoute',
  entry: 'group: networking.istio.io, kind: ServiceEntry',
};

interface Policy {
  readonly name: string;
  readonly namespace: string;
  readonly action: string;
  readonly path: string;
  readonly targets: readonly string[];
  readonly dryRun: boolean;
}

const text = ({ name, namespace, action, path, targets, dryRun }: Policy): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name}, namespace: ${namespace}, annotations: { istio.io/dry-run: "${dryRun}" } }
spec:
  action: ${action}
  targetRefs: [${targets.map((name) => `{ ${KINDS[name] ?? 'group: "", kind: Service'}, name: ${name} }`).join(', ')}]
  rules: [{ to: [{ operation: { paths: [${path}] } }] }]
`;

/** Mostly edits of rules alone, which is what is taken the short way; now and then what must not be. */
const policy = (name: string): fc.Arbitrary<Policy> =>
  fc.record({
    name: fc.constant(name),
    namespace: fc.constantFrom('app', 'app', 'app', 'other'),
    action: fc.constantFrom('ALLOW', 'ALLOW', 'DENY', 'NONSENSE'),
    path: fc.constantFrom('/a', '/b', '/c'),
    targets: fc.constantFrom(
      ['s1'],
      ['s1'],
      ['s2'],
      ['s1', 's2'],
      ['s1', 's1'],
      ['absent'],
      ['waypoint'],
      ['route'],
      ['s1', 'route'],
      ['entry'],
      [],
    ),
    dryRun: fc.constantFrom(false, false, false, true),
  });

const NAMES = ['p1', 'p2', 'p3'];

test('after any edits policies decide what they would have decided from the beginning', () => {
  const state = fc.tuple(...NAMES.map((name) => fc.option(policy(name), { freq: 6 })));
  const change = fc.record({ at: fc.nat(NAMES.length - 1), to: fc.constantFrom('/a', '/b', '/c', '/d') });
  const files = (policies: readonly (Policy | null)[]): ReadonlyMap<string, string> =>
    new Map([['base', base], ...policies.flatMap((each) => (each === null ? [] : [[each.name, text(each)] as const]))]);
  const translated = (
    translate: ReturnType<typeof createTranslator>,
    store: ResourceStore,
    policies: readonly (Policy | null)[],
  ): Translation => translate(store.update(files(policies)));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(state, fc.array(change, { maxLength: 4 })), { minLength: 1, maxLength: 4 }),
      (history) => {
        const [store, translate] = [new ResourceStore(), createTranslator()];
        for (const [begin, changes] of history) {
          let policies: readonly (Policy | null)[] = begin;
          for (const each of [undefined, ...changes]) {
            if (each) policies = policies.map((one, at) => (at === each.at && one ? { ...one, path: each.to } : one));
            const now = translated(translate, store, policies);
            // What was read before keeps serving where a policy is not valid now, so that is not compared.
            if (policies.some((one) => one?.action === 'NONSENSE')) continue;
            const afresh = translated(createTranslator(), new ResourceStore(), policies);
            expect(now.model).toEqual(afresh.model);
            expect(now.statuses).toEqual(afresh.statuses);
            expect(now.findings).toEqual(afresh.findings);
          }
        }
      },
    ),
    { seed: Number(process.env['PORTOLAN_SEED'] ?? Date.now() % 1e9), numRuns: 120, verbose: true },
  );
}, 60_000);

test('an edit of a rule touches the port of its service, and nothing else at all', () => {
  const [store, translate] = [new ResourceStore(), createTranslator()];
  const of = (path: string): Translation => {
    const policies = SERVICES.map((index) => ({
      name: `p${index}`,
      namespace: 'app',
      action: 'ALLOW',
      path: index === 2 ? path : '/',
      targets: [`s${index}`],
      dryRun: false,
    }));
    return translate(
      store.update(new Map([['base', base], ...policies.map((each) => [each.name, text(each)] as const)])),
    );
  };
  const [before, after] = [of('/a'), of('/b')];
  expect(after.findings).toBe(before.findings);
  expect(after.statuses).toBe(before.statuses);
  const [{ ports: old, ...rest }, { ports, ...others }] = [before.model.waypoints[0]!, after.model.waypoints[0]!];
  for (const [key, value] of Object.entries(others)) expect(value).toBe(rest[key as keyof typeof rest]);
  const differing = ports
    .filter((port, at) => port !== old[at])
    .map(({ service, port }) => `${service.namespace}/${service.name}:${port}`);
  // On its TCP port an ALLOW rule with paths allows nothing, before and after.
  expect(differing).toEqual(['app/s2:80']);
});
