import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { startTestMesh, type Call, type TestMesh } from './mesh/mesh.ts';

// Policies of routes and of other namespaces on a real waypoint: what is judged is what is served, the other routes are
// left as they are, and a grant that goes takes the policy with it.

const WEB = '10.96.70.10:80';
const SHOP = '10.96.70.11:80';
const VENDOR = '240.240.70.1:80';
const ADMIN = 'ops/admin';
const SLEEP = 'default/sleep';

const ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs:
  - {group: "", kind: Service, name: web}
  - {group: "", kind: Service, name: shop}
  rules:
  - name: admin
    matches: [{path: {value: /admin}}]
    backendRefs: [{name: web, port: 80}]
  - name: split
    matches: [{path: {value: /split}}]
    backendRefs: [{name: web, port: 80, weight: 1}, {name: shop, port: 80, weight: 1}]
  - backendRefs: [{name: web, port: 80}]
`;

const VENDOR_ENTRY = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: vendor, namespace: shop}
spec:
  hosts: [vendor.example.com]
  addresses: [240.240.70.1]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  workloadSelector: {labels: {app: shop}}
`;

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.70.10' }),
  service({ name: 'shop', ip: '10.96.70.11' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.70.1' }),
  pod({ name: 'shop-1', app: 'shop', ip: '127.0.70.2' }),
  ROUTE,
  VENDOR_ENTRY,
);

const policy = (name: string, target: string, action: string, rules: string, namespace = 'shop'): string =>
  `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: ${namespace}}
spec: {targetRefs: [${target}], action: ${action}, rules: ${rules}}
`;

const onRoute = (section?: string): string =>
  `{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web${section === undefined ? '' : `, sectionName: ${section}`}}`;

const ONLY_ADMIN = '[{from: [{source: {principals: [cluster.local/ns/ops/sa/admin]}}]}]';

const GRANT = `apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: security, namespace: shop}
spec:
  from: [{group: security.istio.io, kind: AuthorizationPolicy, namespace: security}]
  to: [{group: "", kind: Service, name: shop}]
`;

describe('a policy', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh({ 'mesh.yaml': BASE, 'policy.yaml': '' });
  });
  beforeEach(() => mesh.apply('policy.yaml', ''));
  afterAll(() => mesh?.stop());

  const status = async (call: Call): Promise<number> => (await mesh.call(call)).status;
  const seen = (): number => mesh.pod('web-1').seen.length + mesh.pod('shop-1').seen.length;

  it('of a rule is about the requests on it, on every service that has the route', async () => {
    await mesh.apply('policy.yaml', policy('admins', onRoute('admin'), 'ALLOW', ONLY_ADMIN));
    for (const to of [WEB, SHOP]) {
      const before = seen();
      expect(await status({ to, as: SLEEP, path: '/admin' })).toBe(403);
      expect(seen()).toBe(before);
      expect(await status({ to, as: ADMIN, path: '/admin' })).toBe(200);
      expect(await status({ to, as: SLEEP, path: '/' })).toBe(200);
      expect(await status({ to, as: SLEEP, path: '/administration' })).toBe(200);
    }
  });

  it('judges the route that is served, though routing has Envoy choose it again', async () => {
    await mesh.apply(
      'policy.yaml',
      documents(
        policy('canary', onRoute('split'), 'ALLOW', ONLY_ADMIN),
        policy('nobody', onRoute('admin'), 'DENY', '[{}]'),
      ),
    );
    const before = seen();
    const refused = await Promise.all(
      Array.from({ length: 20 }, (_, draw) =>
        status({ to: WEB, as: SLEEP, path: '/split', headers: { 'x-portolan-draw': String(draw) } }),
      ),
    );
    expect(new Set(refused)).toEqual(new Set([403]));
    expect(seen()).toBe(before);
    const served = await Promise.all(
      Array.from({ length: 20 }, () => mesh.call({ to: WEB, as: ADMIN, path: '/split' })),
    );
    expect(new Set(served.map((answer) => answer.status))).toEqual(new Set([200]));
    expect(mesh.pod('shop-1').seen.filter(({ path }) => path === '/split').length).toBeGreaterThan(0);
    expect(await status({ to: WEB, as: ADMIN, path: '/admin' })).toBe(403);
    expect(await status({ to: WEB, as: SLEEP, path: '/' })).toBe(200);
  });

  it('of a route joins those of its service', async () => {
    const get = policy(
      'get',
      '{group: "", kind: Service, name: web}',
      'ALLOW',
      '[{to: [{operation: {methods: [GET]}}]}]',
    );
    await mesh.apply('policy.yaml', documents(get, policy('admins', onRoute('admin'), 'ALLOW', ONLY_ADMIN)));
    expect(await status({ to: WEB, as: SLEEP, path: '/admin' })).toBe(200);
    expect(await status({ to: WEB, as: SLEEP, path: '/admin', method: 'POST' })).toBe(403);
    expect(await status({ to: WEB, as: ADMIN, path: '/admin', method: 'POST' })).toBe(200);
    expect(await status({ to: WEB, as: ADMIN, path: '/', method: 'POST' })).toBe(403);
  });

  it('of another namespace is in force as long as a grant lets it', async () => {
    const deny = policy('deny', '{group: "", kind: Service, name: shop, namespace: shop}', 'DENY', '[{}]', 'security');
    await mesh.apply('policy.yaml', deny);
    expect(await status({ to: SHOP })).toBe(200);
    await mesh.apply('policy.yaml', documents(deny, GRANT));
    expect(await status({ to: SHOP })).toBe(403);
    expect(await status({ to: WEB })).toBe(200);
    await mesh.apply('policy.yaml', deny);
    expect(await status({ to: SHOP })).toBe(200);
  });

  it('of a ServiceEntry is about its hosts', async () => {
    expect(await status({ to: VENDOR, host: 'vendor.example.com' })).toBe(200);
    const target = '{group: networking.istio.io, kind: ServiceEntry, name: vendor}';
    await mesh.apply('policy.yaml', policy('vendor', target, 'ALLOW', ONLY_ADMIN));
    expect(await status({ to: VENDOR, as: SLEEP, host: 'vendor.example.com' })).toBe(403);
    expect(await status({ to: VENDOR, as: ADMIN, host: 'vendor.example.com' })).toBe(200);
    expect(await status({ to: SHOP, as: SLEEP })).toBe(200);
  });
});
