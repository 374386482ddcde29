import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MeshResponse } from '#cli/request.ts';
import { ALLOW, deny, grpcAuthorizer, startHttpAuthorizer, type HttpAuthorizer } from './mesh/authorizer.ts';
import { documents, gateway, NAMESPACE, pod, policy, service } from './mesh/manifests.ts';
import { freePort, startTestMesh, type Call, type TestMesh } from './mesh/mesh.ts';
import type { Seen } from './mesh/pod.ts';

// AuthorizationPolicy with action CUSTOM: stock ext_authz asks real authorizers, one by gRPC in the mesh, the others by
// HTTP outside of it, for exactly those requests that a rule puts to them.

const VIP = '10.96.6.10:80';
const REDIS = '10.96.6.11:6379';
const OPA = 'opa-1';

const custom = (name: string, provider: string, rules: string, target = 'web'): string =>
  policy(name, target, 'CUSTOM', rules).replace('  rules:', `  provider: {name: ${provider}}\n  rules:`);
const paths = (...values: readonly string[]): string => `[{to: [{operation: {paths: ${JSON.stringify(values)}}}]}]`;

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.6.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.16.1' }),
  service({ name: 'redis', ip: '10.96.6.11', port: 6379, targetPort: 6379, portName: 'tcp' }),
  pod({ name: 'redis-1', app: 'redis', ip: '127.0.16.3', port: 6379, labels: { 'test/tcp': 'true' } }),
  service({ name: 'opa', ip: '10.96.6.12', port: 9191, targetPort: 9191, portName: 'http' }),
  pod({ name: OPA, app: 'opa', ip: '127.0.16.2', port: 9191 }),
  service({ name: 'impostor', ip: '10.96.6.13', port: 9192, targetPort: 9191, portName: 'grpc' }),
  pod({ name: 'impostor-1', app: 'impostor', ip: '127.0.16.4', port: 9191 }),
);

const POLICIES = documents(
  custom('http', 'http', paths('/http*', '/both*')),
  custom('grpc', 'opa', paths('/grpc*', '/both*')),
  custom('open', 'open', paths('/open')),
  custom('shut', 'shut', paths('/shut')),
  custom('slow', 'slow', paths('/slow')),
  custom('raw', 'raw', paths('/raw')),
  custom('impostor', 'impostor', paths('/impostor')),
  custom('unknown', 'nobody', paths('/unknown')),
  custom('redis', 'opa', '[{}]', 'redis'),
  // Looks at what a provider may have written.
  policy('no-guests', 'web', 'DENY', '[{when: [{key: "request.headers[x-user]", values: [guest]}]}]'),
);

const providers = (http: number, raw: number, nobody: number): string => `apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    extensionProviders:
    - name: http
      envoyExtAuthzHttp:
        service: 127.0.0.1
        port: ${http}
        pathPrefix: /check
        includeRequestHeadersInCheck: [x-token, "x-tenant-*"]
        includeAdditionalHeadersInCheck: {x-caller: "%FILTER_STATE(io.istio.peer_principal:PLAIN)%", x-from: 100%}
        includeRequestBodyInCheck: {maxRequestBytes: 16, allowPartialMessage: true}
        headersToUpstreamOnAllow: [x-user]
        headersToDownstreamOnDeny: [x-reason, set-cookie]
        headersToDownstreamOnAllow: [x-served]
    - name: opa
      envoyExtAuthzGrpc: {service: opa.shop.svc.cluster.local, port: 9191, includeRequestBodyInCheck: {maxRequestBytes: 64}}
    - name: impostor
      envoyExtAuthzGrpc: {service: shop/impostor.shop.svc.cluster.local, port: 9192, statusOnError: "503"}
    - name: open
      envoyExtAuthzHttp: {service: 127.0.0.1, port: ${nobody}, failOpen: true}
    - name: shut
      envoyExtAuthzGrpc: {service: 127.0.0.1, port: ${nobody}, statusOnError: "503"}
    - name: slow
      envoyExtAuthzHttp: {service: 127.0.0.1, port: ${http}, timeout: 300ms, statusOnError: "504"}
    - name: raw
      envoyExtAuthzHttp: {service: 127.0.0.1, port: ${raw}}
`;

describe('CUSTOM policies', () => {
  const opa = grpcAuthorizer();
  let http: HttpAuthorizer;
  let raw: Server;
  /** What the raw authorizer answers to each check. */
  let rawAnswer = '';
  let mesh: TestMesh;

  beforeAll(async () => {
    http = await startHttpAuthorizer();
    raw = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => void socket.write(rawAnswer));
    });
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
    const ports = providers(http.port, (raw.address() as AddressInfo).port, await freePort());
    mesh = await startTestMesh(
      { 'mesh.yaml': BASE, 'providers.yaml': ports, 'policy.yaml': POLICIES },
      // Those of single clusters too: that nothing is left pending is seen there.
      { statistics: 'service' },
      {
        [OPA]: { application: opa.server },
        'impostor-1': { application: grpcAuthorizer().server, identity: 'spiffe://cluster.local/ns/shop/sa/other' },
      },
    );
  }, 60_000);
  afterAll(async () => {
    await mesh?.stop();
    await http?.close();
    raw?.close();
  });

  beforeEach(() => {
    http.checks.length = 0;
    opa.checks.length = 0;
    http.answer = (_check, response) => void response.end();
    opa.answer = () => ALLOW;
  });

  const call = (path: string, rest: Partial<Call> = {}) => mesh.call({ to: VIP, path, ...rest });
  const header = ({ headers }: MeshResponse, name: string) => [headers[name] ?? []].flat()[0];
  const lastSeen = (): Seen => mesh.pod('web-1').seen.at(-1)!;

  it('asks nobody about a request that no rule matches', async () => {
    expect((await call('/')).status).toBe(200);
    expect(http.checks).toEqual([]);
    expect(opa.checks).toEqual([]);
  });

  it('lets what a provider allows through, with the headers that it may add', async () => {
    http.answer = (_check, response) =>
      void response.writeHead(200, { 'x-user': 'alice', 'x-other': 'no', 'x-served': 'yes' }).end('ignored');
    const response = await call('/http/a?b=c', {
      as: 'default/sleep',
      headers: { 'x-token': 't', 'x-tenant-id': '7', 'x-secret': 's', 'x-user': 'forged', 'x-caller': 'forged' },
    });
    expect(response.status).toBe(200);
    expect(header(response, 'x-served')).toBe('yes');
    expect(header(response, 'x-other')).toBeUndefined();
    expect(lastSeen().headers).toMatchObject({ 'x-user': 'alice', 'x-secret': 's', 'x-caller': 'forged' });
    expect(lastSeen().headers).not.toHaveProperty('x-other');
    const [check] = http.checks;
    expect(check).toMatchObject({ method: 'GET', path: '/check/http/a?b=c' });
    expect(check?.headers).toMatchObject({
      host: 'service',
      'x-token': 't',
      'x-tenant-id': '7',
      'x-caller': 'spiffe://cluster.local/ns/default/sa/sleep',
      'x-from': '100%',
    });
    expect(check?.headers).not.toHaveProperty('x-secret');
    expect(opa.checks).toEqual([]);
  });

  it('answers with what a provider refuses with', async () => {
    const before = mesh.pod('web-1').seen.length;
    http.answer = (_check, response) =>
      void response
        .writeHead(401, { 'x-reason': 'no token', 'x-hidden': 'h', 'set-cookie': 'a=b', 'content-type': 'text/x-no' })
        .end('go away');
    const response = await call('/http');
    expect(response.status).toBe(401);
    expect(response.body.toString()).toBe('go away');
    expect(header(response, 'x-reason')).toBe('no token');
    expect(header(response, 'set-cookie')).toBe('a=b');
    expect(header(response, 'x-hidden')).toBeUndefined();
    expect(mesh.pod('web-1').seen.length).toBe(before);
  });

  it('shows as much of the body as was said, and the application all of it', async () => {
    await call('/http', { method: 'POST', body: 'x'.repeat(100) });
    expect(http.checks[0]?.body).toBe('x'.repeat(16));
    expect(lastSeen().body).toBe(100);
  });

  it('asks a provider of the mesh by gRPC through its tunnel', async () => {
    opa.answer = () => ({
      status: { code: 0 },
      httpResponse: {
        case: 'okResponse',
        value: {
          headers: [{ header: { key: 'x-user', value: 'bob' } }],
          headersToRemove: ['x-secret'],
          responseHeadersToAdd: [{ header: { key: 'x-served', value: 'opa' } }],
        },
      },
    });
    const response = await call('/grpc', { method: 'POST', body: 'hello', headers: { 'x-secret': 's' } });
    expect(response.status).toBe(200);
    expect(header(response, 'x-served')).toBe('opa');
    expect(lastSeen().headers).toMatchObject({ 'x-user': 'bob' });
    expect(lastSeen().headers).not.toHaveProperty('x-secret');
    const asked = opa.checks[0]?.attributes?.request?.http;
    expect(asked).toMatchObject({ method: 'POST', path: '/grpc', host: 'service', body: 'hello' });
    expect([...mesh.pod(OPA).callers]).toEqual(['spiffe://cluster.local/ns/shop/sa/waypoint']);
    opa.answer = () => deny(418, 'a teapot', { 'x-reason': 'tea' });
    const refused = await call('/grpc');
    expect([refused.status, refused.body.toString(), header(refused, 'x-reason')]).toEqual([418, 'a teapot', 'tea']);
    // More than is shown of a body is refused when no part of it may be shown.
    expect((await call('/grpc', { method: 'POST', body: 'x'.repeat(65) })).status).toBe(413);
  });

  it('asks nobody who cannot prove to be the provider', async () => {
    expect((await call('/impostor')).status).toBe(503);
  });

  it.each([
    ['neither refuses', 200, 'ok', 'ok', [1, 1]],
    ['the first refuses', 403, 'no', 'ok', [1, 0]],
    ['the second refuses', 403, 'ok', 'no', [1, 1]],
  ])('two providers about one request: %s', async (_name, status, first, second, asked) => {
    http.answer = (_check, response) => void response.writeHead(first === 'ok' ? 200 : 403).end();
    opa.answer = () => (second === 'ok' ? ALLOW : deny(403, 'no'));
    const before = mesh.pod('web-1').seen.length;
    expect((await call('/both')).status).toBe(status);
    expect([http.checks.length, opa.checks.length]).toEqual(asked);
    expect(mesh.pod('web-1').seen.length - before).toBe(status === 200 ? 1 : 0);
  });

  it('lets DENY rules look at what a provider wrote', async () => {
    http.answer = (_check, response) => void response.writeHead(200, { 'x-user': 'guest' }).end();
    const response = await call('/http');
    expect([response.status, response.body.toString()]).toEqual([403, 'RBAC: access denied']);
  });

  it.each([
    ['a provider that is down and may be', '/open', 200],
    ['a provider that is down and must not be', '/shut', 503],
    ['a provider that nobody knows', '/unknown', 403],
  ])('%s', async (_name, path, status) => {
    expect((await call(path)).status).toBe(status);
  });

  it('waits for a provider as long as was said', async () => {
    http.answer = (_check, response) => void setTimeout(() => response.end(), 2_000).unref();
    const began = Date.now();
    expect((await call('/slow')).status).toBe(504);
    expect(Date.now() - began).toBeGreaterThan(250);
    expect(Date.now() - began).toBeLessThan(1_500);
  });

  it.each([
    ['a marker as a header', { 'portolan.custom.http': '0', 'wasm.portolan.custom.http': '0' }],
    ['a header as ours of the router', { 'x-portolan-draw': '1', 'x-envoy-auth-partial-body': 'true' }],
  ])('a caller cannot speak for the rules: %s', async (_name, headers) => {
    http.answer = (_check, response) => void response.writeHead(403).end();
    expect((await call('/http', { headers })).status).toBe(403);
    // And cannot have somebody asked whom no rule names.
    http.checks.length = 0;
    expect((await call('/', { headers: { ...headers, 'portolan.custom.http': '1' } })).status).toBe(200);
    expect(http.checks).toEqual([]);
  });

  it('closes connections of TCP, about which nobody can be asked', async () => {
    await expect(mesh.call({ to: REDIS })).rejects.toThrow();
    expect(mesh.pod('redis-1').connections).toBe(0);
    expect(opa.checks).toEqual([]);
  });

  it('reaches connections that are open when a policy changes, and lets none through meanwhile', async () => {
    const connection = await mesh.open(VIP);
    const GET = { method: 'GET', path: '/edit', host: 'web', headers: [], timeoutMs: 5_000 } as const;
    expect((await connection.send(GET)).status).toBe(200);
    http.answer = (_check, response) => void response.writeHead(403).end('by a provider');
    await mesh.apply('edit.yaml', custom('edit', 'http', paths('/edit')));
    expect((await connection.send(GET)).body.toString()).toBe('by a provider');
    // From CUSTOM to DENY and back, with requests all the time: either may refuse, and nothing passes.
    const edits = Array.from({ length: 40 }, (_, i) => (i % 2 ? 'CUSTOM' : 'DENY'));
    const over = new AbortController();
    const statuses = new Set<number>();
    const load = Promise.all(
      Array.from({ length: 16 }, async () => {
        const own = await mesh.open(VIP);
        while (!over.signal.aborted) statuses.add((await own.send(GET)).status);
        own.close();
      }),
    );
    for (const action of edits) {
      await mesh.apply(
        'edit.yaml',
        action === 'DENY' ? policy('edit', 'web', 'DENY', paths('/edit')) : custom('edit', 'http', paths('/edit')),
      );
    }
    over.abort();
    await load;
    expect([...statuses]).toEqual([403]);
    await mesh.apply('edit.yaml', '');
    expect((await connection.send(GET)).status).toBe(200);
    connection.close();
  });

  it('refuses nothing that a provider allows while a policy changes', async () => {
    await mesh.apply('edit.yaml', custom('edit', 'http', paths('/edit')));
    const connection = await mesh.open(VIP);
    const GET = { method: 'GET', path: '/edit', host: 'web', headers: [], timeoutMs: 5_000 } as const;
    const statuses = new Set<number>();
    const over = new AbortController();
    const load = (async () => {
      while (!over.signal.aborted) statuses.add((await connection.send(GET)).status);
    })();
    for (let i = 0; i < 20; i++) {
      await mesh.apply('edit.yaml', custom('edit', 'http', i % 2 ? paths('/edit') : paths('/edit', '/more')));
    }
    over.abort();
    await load;
    expect([...statuses]).toEqual([200]);
    await mesh.apply('edit.yaml', '');
    connection.close();
  });

  /** Requests that Envoy still has open towards providers. */
  async function pendingChecks(): Promise<number> {
    const lines = (await mesh.metrics()).split('\n');
    const active = lines.filter((line) => /upstream_rq_active\{.*"ext-authz\|/.test(line));
    expect(active.length).toBeGreaterThan(1);
    return active.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  it('forgets 1,000 requests whose callers go while the answer is pending', { timeout: 120_000 }, async () => {
    const starts = (): number => mesh.events.filter(({ kind }) => kind === 'waypoint').length;
    const before = starts();
    const pending: (() => void)[] = [];
    http.answer = (_check, response) => void pending.push(() => response.end());
    opa.answer = () => new Promise((resolve) => pending.push(() => resolve(ALLOW)));
    for (let round = 1; round <= 20; round++) {
      const connections = await Promise.all(Array.from({ length: 50 }, () => mesh.open(VIP)));
      const calls = connections.map((connection, i) =>
        connection
          .send({ method: 'GET', path: i % 2 ? '/http' : '/grpc', host: 'web', headers: [], timeoutMs: 30_000 })
          .catch(() => undefined),
      );
      await expect.poll(() => pending.length, { interval: 5, timeout: 20_000 }).toBe(50 * round);
      // Answers that come at the very moment of the reset, too.
      if (round % 4 === 0) for (const answer of pending.slice(-50)) answer();
      for (const connection of connections) connection.close();
      await Promise.all(calls);
    }
    for (const answer of pending) answer();
    await expect.poll(pendingChecks, { interval: 100, timeout: 10_000 }).toBe(0);
    http.answer = (_check, response) => void response.end();
    opa.answer = () => ALLOW;
    expect((await call('/both')).status).toBe(200);
    expect(starts()).toBe(before);
  });

  const memory = async (): Promise<number> => {
    const line = (await mesh.metrics()).split('\n').find((text) => text.startsWith('envoy_server_memory_allocated{'));
    return Number(line?.slice(line.lastIndexOf(' ')));
  };

  it('is not drowned by a provider that answers too much', { timeout: 120_000 }, async () => {
    const chunk = Buffer.alloc(1 << 20, 'x');
    http.answer = (_check, response) => {
      response.writeHead(403);
      let left = 100;
      const more = (): void => {
        while (left > 0) {
          left--;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    };
    const before = await memory();
    const response = await call('/http');
    // It takes no more than a part of such an answer, and then holds it for none.
    expect([response.status, response.body.length]).toEqual([403, 0]);
    expect((await memory()) - before).toBeLessThan(8 << 20);
    expect((await call('/')).status).toBe(200);
  });

  it.each([
    ['twice', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', [200, 403]],
    ['with nonsense', 'SSH-2.0-x\r\n\r\n', [403]],
    ['with half a response', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx', undefined],
    ['with a header of 1 MB', `HTTP/1.1 200 OK\r\nx-a: ${'x'.repeat(1 << 20)}\r\ncontent-length: 0\r\n\r\n`, [403]],
  ])('survives a provider that answers %s', async (_name, answer, statuses) => {
    rawAnswer = answer;
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () =>
        mesh.open(VIP).then(async (connection) => {
          const send = connection.send({ method: 'GET', path: '/raw', host: 'web', headers: [], timeoutMs: 1_000 });
          return send
            .then(({ status }) => status)
            .catch(() => 0)
            .finally(() => connection.close());
        }),
      ),
    );
    for (const status of outcomes) expect(statuses ?? [0]).toContain(status);
    expect((await call('/')).status).toBe(200);
  });
});
