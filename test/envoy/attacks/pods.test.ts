import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { documents, gateway, NAMESPACE, pod } from '../mesh/manifests.ts';
import { startTestMesh, type TestMesh } from '../mesh/mesh.ts';
import { createBackend, type Backend } from './backend.ts';
import { exchange, get } from './exchange.ts';

const POD = '127.0.55.1:8080';

const BASE = documents(
  NAMESPACE,
  gateway('all'),
  pod({ name: 'backend', app: 'backend', ip: '127.0.55.1' }),
  `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: no-admin, namespace: shop}
spec:
  targetRefs: [{kind: Gateway, group: gateway.networking.k8s.io, name: waypoint}]
  action: DENY
  rules: [{to: [{operation: {paths: ["/admin"]}}]}]
`,
);

// Pods that are addressed themselves have a listener and routes of another making; callers are no better.
describe('pods by their own address', () => {
  let mesh: TestMesh;
  let backend: Backend;
  beforeAll(async () => {
    backend = createBackend();
    mesh = await startTestMesh({ 'mesh.yaml': BASE }, {}, { backend: { application: backend.server } });
  });
  afterAll(() => mesh?.stop());

  it('serves, so that the refusals below mean something', async () => {
    expect((await exchange(mesh, { to: POD, bytes: get('/x', ['x-envoy-peer-metadata: y']) })).first).toBe(200);
    expect(backend.last().headers.filter(([name]) => name.startsWith('x-envoy'))).toEqual([]);
  });

  it.each([
    ['A1 A2 /admin;x', get('/admin;x'), 403],
    ['A1 //admin', get('//admin'), 403],
    ['A1 an escaped slash', get('/a%2fadmin'), 400],
    ['A7 two hosts', 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n', 400],
    ['A7 user information', get('/', [], 'a@b'), 400],
    ['A26 TRACE', 'TRACE / HTTP/1.1\r\nhost: a\r\n\r\n', 403],
    ['A26 CONNECT', 'CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n', 404],
    ['an underscore', get('/', ['x_role: a']), 400],
  ])('%s', async (_name, bytes, status) => {
    const before = backend.requests.length;
    // A policy that looks at paths denies what has none.
    const expected = status === 404 ? [403, 404] : [status];
    expect(expected).toContain((await exchange(mesh, { to: POD, bytes })).first);
    expect(backend.requests.length).toBe(before);
  });
});
