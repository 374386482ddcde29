import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIssuer, type Claims } from './mesh/issuer.ts';
import { authentication, documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

const VIP = '10.96.23.10:80';
const issuer = createIssuer('https://issuer.example', 'ES256');

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.23.10' }),
  service({ name: 'beta', ip: '10.96.23.11' }),
  service({ name: 'gamma', ip: '10.96.23.12' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.33.1' }),
  pod({ name: 'beta-1', app: 'beta', ip: '127.0.33.2' }),
  pod({ name: 'gamma-1', app: 'gamma', ip: '127.0.33.3' }),
  authentication('tokens', 'web', [
    { issuer: issuer.name, jwks: issuer.jwks, outputClaimToHeaders: [{ header: 'x-tier', claim: 'tier' }] },
  ]),
);

const routes = (...http: readonly unknown[]): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: ${JSON.stringify({ hosts: ['web'], http })}
`;

const to = (host: string, weight?: number) => ({ destination: { host }, ...(weight === undefined ? {} : { weight }) });
const claim = (name: string, value: object) => ({ headers: { [`@request.auth.claims${name}`]: value } });

describe('routes by claims', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh({ 'mesh.yaml': BASE, 'routes.yaml': '' });
  });
  afterAll(() => mesh?.stop());

  /** Which pod answered a request with such a token, or the status of another answer. */
  async function answered(claims?: Claims, headers: Readonly<Record<string, string>> = {}): Promise<string | number> {
    const token = claims === undefined ? {} : { authorization: `Bearer ${issuer.token(claims)}` };
    const response = await mesh.call({ to: VIP, headers: { ...headers, ...token } });
    return response.status === 200 ? String(response.headers['x-served-by']) : response.status;
  }

  it('take texts, lists, nested claims, presence and absence', async () => {
    await mesh.apply(
      'routes.yaml',
      routes(
        { match: [claim('.group', { exact: 'beta' })], route: [to('beta')] },
        { match: [claim('[a.b][c]', { prefix: 'x' })], route: [to('gamma')] },
        { match: [claim('.scope', { exact: 'write' })], route: [to('gamma')] },
        { match: [claim('.vip', {})], route: [to('beta')] },
        {
          match: [{ withoutHeaders: { '@request.auth.claims.sub': { exact: 'alice' } } }],
          route: [to('web')],
        },
      ),
    );
    expect(await answered({ group: 'beta' })).toBe('beta-1');
    expect(await answered({ group: ['alpha', 'beta'] })).toBe('beta-1');
    expect(await answered({ group: 'beta alpha' })).toBe(404);
    expect(await answered({ scope: 'read write' })).toBe('gamma-1');
    expect(await answered({ 'a.b': { c: 'xyz' } })).toBe('gamma-1');
    expect(await answered({ 'a.b': { c: 'yz' } })).toBe(404);
    expect(await answered({ vip: true })).toBe('beta-1');
    expect(await answered({ sub: 'bob' })).toBe('web-1');
    expect(await answered({})).toBe(404);
    expect(await answered()).toBe('web-1');
    expect(await answered(undefined, { '@request.auth.claims.group': 'beta' }).catch(() => 'not sent')).not.toBe(
      'beta-1',
    );
  });

  it('apply the faults and splits of the route that the claims choose', async () => {
    await mesh.apply(
      'routes.yaml',
      routes(
        {
          match: [claim('.group', { exact: 'faulty' })],
          fault: { abort: { httpStatus: 418, percentage: { value: 100 } } },
          route: [to('beta')],
        },
        { match: [claim('.group', { exact: 'split' })], route: [to('beta', 50), to('gamma', 50)] },
      ),
    );
    expect(await answered()).toBe(404);
    expect(await answered({})).toBe(404);
    expect(await answered({ group: 'faulty' })).toBe(418);
    const pods = new Set<unknown>();
    for (let index = 0; index < 40; index++) pods.add(await answered({ group: 'split' }));
    expect(pods).toEqual(new Set(['beta-1', 'gamma-1']));
  });

  it('see the headers that are written from a token, and not those of a caller', async () => {
    await mesh.apply(
      'routes.yaml',
      routes({ match: [{ headers: { 'x-tier': { exact: 'gold' } } }], route: [to('beta')] }, { route: [to('web')] }),
    );
    expect(await answered({ tier: 'gold' })).toBe('beta-1');
    expect(await answered({ tier: 'lead' })).toBe('web-1');
    expect(await answered({ tier: 'lead' }, { 'x-tier': 'gold' })).toBe('web-1');
    expect(await answered(undefined, { 'x-tier': 'gold' })).toBe('web-1');
  });
});
