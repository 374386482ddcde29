import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MeshResponse } from '#cli/request.ts';
import { createIssuer } from './mesh/issuer.ts';
import { authentication, documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';

const VIP = '10.96.21.10:80';

const BASE = documents(
  NAMESPACE,
  gateway(),
  service({ name: 'web', ip: '10.96.21.10' }),
  pod({ name: 'web-1', app: 'web', ip: '127.0.31.1' }),
);

const rsa = createIssuer('https://issuer.example');
const ec = createIssuer('https://other.example', 'ES256');
const stranger = createIssuer('https://issuer.example');

const bearer = (token: string): readonly (readonly [string, string])[] => [['authorization', `Bearer ${token}`]];

describe('RequestAuthentication', () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startTestMesh({ 'mesh.yaml': BASE, 'authn.yaml': '' });
  });
  afterAll(() => mesh?.stop());

  async function ask(
    headers: readonly (readonly [string, string])[] = [],
    path = '/',
    method = 'GET',
  ): Promise<MeshResponse> {
    const connection = await mesh.open(VIP);
    try {
      return await connection.send({ method, path, host: 'web', headers, timeoutMs: 10_000 });
    } finally {
      connection.close();
    }
  }
  const status = async (...call: Parameters<typeof ask>): Promise<number> => (await ask(...call)).status;
  /** What the application saw of its last request. */
  const seen = () => mesh.pod('web-1').seen.at(-1)!;

  describe('with two issuers', () => {
    beforeAll(() =>
      mesh.apply(
        'authn.yaml',
        authentication('tokens', 'web', [
          { issuer: rsa.name, audiences: ['web', 'api'], jwks: rsa.jwks },
          { issuer: ec.name, jwks: ec.jwks, forwardOriginalToken: true },
        ]),
      ),
    );

    it('lets requests without a token pass, and those with a valid one', async () => {
      expect(await status()).toBe(200);
      expect(await status(bearer(rsa.token({ aud: 'web' })))).toBe(200);
      expect(seen().headers['authorization']).toBeUndefined();
      expect(await status(bearer(rsa.token({ aud: ['else', 'api'] })))).toBe(200);
      const token = ec.token();
      expect(await status(bearer(token))).toBe(200);
      expect(seen().headers['authorization']).toBe(`Bearer ${token}`);
      expect(await status([], `/?access_token=${rsa.token({ aud: 'web' })}`)).toBe(200);
    });

    const good = { aud: 'web' };
    const now = Math.floor(Date.now() / 1000);
    const [header = '', payload = ''] = rsa.token(good).split('.');
    it.each<[string, readonly (readonly [string, string])[]]>([
      ['of a stranger with the same name', bearer(stranger.token(good))],
      ['of an unknown issuer', bearer(rsa.token({ ...good, iss: 'https://evil.example' }))],
      ['of the other issuer, signed by this one', bearer(rsa.token({ ...good, iss: ec.name }))],
      ['without an issuer', bearer(rsa.token({ ...good, iss: undefined }))],
      ['that has expired', bearer(rsa.token({ ...good, exp: now - 120 }))],
      ['that is not valid yet', bearer(rsa.token({ ...good, nbf: now + 600 }))],
      ['with alg none and no signature', bearer(rsa.token(good, { alg: 'none' }).replace(/[^.]*$/, ''))],
      ['with alg none and a signature', bearer(rsa.token(good, { alg: 'none' }))],
      ['with alg NONE', bearer(rsa.token(good, { alg: 'NONE' }))],
      ['signed with the public key as a secret', bearer(rsa.confused(good))],
      ['with another key id', bearer(rsa.token(good, { kid: 'other' }))],
      ['with a key id that is a path', bearer(rsa.token(good, { kid: '../../../../dev/null' }))],
      ['with a key of its own', bearer(rsa.token(good, { jwk: JSON.parse(stranger.jwks).keys[0], kid: 'own' }))],
      ['with the signature cut off', bearer(`${header}.${payload}`)],
      ['with an empty signature', bearer(`${header}.${payload}.`)],
      ['with a changed payload', bearer(rsa.token(good).replace(payload, payload.slice(0, -2)))],
      ['that is no token', bearer('abc')],
      ['nested 10,000 deep', bearer(rsa.raw('{"alg":"RS256"}', `${'['.repeat(10_000)}${']'.repeat(10_000)}`))],
      [
        'with a claim nested 10,000 deep',
        bearer(
          rsa.raw(
            Buffer.from(header, 'base64url').toString(),
            `{"iss":"${rsa.name}","aud":"web","a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
          ),
        ),
      ],
      [
        'with a header nested 5,000 deep',
        bearer(rsa.raw(`{"alg":"RS256","a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, '{}')),
      ],
      ['twice, the second bad', [...bearer(rsa.token(good)), ...bearer(stranger.token(good))]],
      ['twice, the first bad', [...bearer(stranger.token(good)), ...bearer(rsa.token(good))]],
      ['twice, both good', [...bearer(rsa.token(good)), ...bearer(rsa.token(good))]],
    ])('refuses a token %s', async (_, headers) => {
      const before = mesh.pod('web-1').seen.length;
      const answer = await ask(headers);
      expect(answer.status).toBe(401);
      expect(answer.body.toString()).toMatch(/^J/);
      expect(mesh.pod('web-1').seen.length).toBe(before);
    });

    it('forbids a valid token that is meant for somebody else, as Istio does', async () => {
      for (const claims of [{ aud: 'shop' }, { aud: ['shop', 'webs'] }, { aud: [] }, {}]) {
        const answer = await ask(bearer(rsa.token(claims)));
        expect([answer.status, answer.body.toString()]).toEqual([403, 'Audiences in Jwt are not allowed']);
      }
    });

    it('refuses a bad token beside a good one, in whatever place', async () => {
      const path = `/?access_token=${stranger.token(good)}`;
      expect(await status(bearer(rsa.token(good)), path)).toBe(401);
      expect(await status(bearer(stranger.token(good)), `/?access_token=${rsa.token(good)}`)).toBe(401);
    });

    it('never gives a token that is too large to an application', async () => {
      const before = mesh.pod('web-1').seen.length;
      expect(await status(bearer(rsa.token({ ...good, pad: 'x'.repeat(60_000) })))).toBe(431);
      expect(mesh.pod('web-1').seen.length).toBe(before);
      expect(await status(bearer(rsa.token({ ...good, pad: 'x'.repeat(20_000) })))).toBe(200);
    });

    it('lets a browser ask without a token whether it may send one', async () => {
      const preflight = [
        ['origin', 'https://a.example'],
        ['access-control-request-method', 'GET'],
      ] as const;
      expect(await status([...preflight, ...bearer('abc')], '/', 'OPTIONS')).toBe(200);
      expect(await status(bearer('abc'), '/', 'OPTIONS')).toBe(401);
    });
  });

  describe('told where tokens are and what becomes of them', () => {
    beforeAll(() =>
      mesh.apply(
        'authn.yaml',
        authentication('tokens', 'web', [
          {
            issuer: rsa.name,
            // A key that nobody can use is left out.
            jwks: rsa.jwks.replace('[', '[{"kty":"unknown"},'),
            fromHeaders: [{ name: 'X-Token', prefix: 'Token ' }, { name: 'x-plain' }],
            fromParams: ['t'],
            fromCookies: ['session'],
            outputPayloadToHeader: 'X-Payload',
            outputClaimToHeaders: [
              { header: 'X-Group', claim: 'group' },
              { header: 'x-nested', claim: 'a.b' },
            ],
          },
        ]),
      ),
    );

    it.each<[string, readonly (readonly [string, string])[], string]>([
      ['a header with a prefix', [['x-token', `Token ${rsa.token()}`]], '/'],
      ['a header', [['x-plain', rsa.token()]], '/'],
      ['a parameter', [], `/?a=1&t=${rsa.token()}&b=2`],
      ['a cookie', [['cookie', `a=b; session=${rsa.token()}; c=d`]], '/'],
    ])('finds a token in %s', async (_, headers, path) => {
      expect(await status(headers, path)).toBe(200);
      const { payload } = { payload: seen().headers['x-payload'] };
      expect(JSON.parse(Buffer.from(String(payload), 'base64url').toString())).toMatchObject({ sub: 'alice' });
      expect(seen().headers['x-token'] ?? seen().headers['x-plain']).toBeUndefined();
      const bad = (text: string): string => text.replace(/\.[\w-]+(?=;|&|$)/, '.AAAA');
      expect(
        await status(
          headers.map(([name, value]) => [name, bad(value)] as const),
          bad(path),
        ),
      ).toBe(401);
    });

    it('looks nowhere else', async () => {
      expect(await status(bearer('abc'))).toBe(200);
      expect(seen().headers['authorization']).toBe('Bearer abc');
      expect(await status([], '/?access_token=abc')).toBe(200);
    });

    it('writes claims into headers, and takes away what a caller wrote there', async () => {
      const forged = [
        ['x-payload', 'forged'],
        ['x-group', 'admin'],
        ['x-nested', 'forged'],
      ] as const;
      expect(await status(forged)).toBe(200);
      const { headers: without } = seen();
      expect([without['x-payload'], without['x-group'], without['x-nested']]).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
      expect(await status([...forged, ['x-plain', rsa.token({ group: 'users', a: { b: 7 } })]])).toBe(200);
      const { headers } = seen();
      expect([headers['x-group'], headers['x-nested']]).toEqual(['users', '7']);
      expect(headers['x-payload']).not.toBe('forged');
    });
  });

  describe('that is not understood', () => {
    it('accepts no token where it may have looked for one, and others as before', async () => {
      await mesh.apply(
        'authn.yaml',
        documents(
          authentication('broken', 'web', [{ isuer: rsa.name, jwks: rsa.jwks }]),
          authentication('tokens', 'web', [{ issuer: ec.name, jwks: ec.jwks }]),
        ),
      );
      expect(await status()).toBe(200);
      expect(await status(bearer(rsa.token()))).toBe(401);
      expect(await status(bearer('abc'))).toBe(401);
      expect(await status(bearer(ec.token()))).toBe(200);
    });

    it('or has no keys, refuses its tokens', async () => {
      await mesh.apply('authn.yaml', '');
      await mesh.apply('authn.yaml', authentication('tokens', 'web', [{ issuer: rsa.name }]));
      expect(await status()).toBe(200);
      expect(await status(bearer(rsa.token()))).toBe(401);
      expect(await status(bearer(rsa.token({}, { alg: 'none' })))).toBe(401);
    });
  });

  describe('an edit', () => {
    const one = authentication('tokens', 'web', [{ issuer: rsa.name, jwks: rsa.jwks }]);
    const other = authentication('tokens', 'web', [{ issuer: ec.name, jwks: ec.jwks }]);
    const both = authentication('tokens', 'web', [
      { issuer: rsa.name, jwks: rsa.jwks },
      { issuer: ec.name, jwks: ec.jwks },
    ]);

    it('reaches connections that are open, with the first request after it', async () => {
      await mesh.apply('authn.yaml', '');
      const connection = await mesh.open(VIP);
      const send = async (token: string): Promise<number> =>
        (await connection.send({ method: 'GET', path: '/', host: 'web', headers: bearer(token), timeoutMs: 5_000 }))
          .status;
      for (let round = 0; round < 3; round++) {
        await mesh.apply('authn.yaml', one);
        expect([await send(rsa.token()), await send(ec.token())]).toEqual([200, 401]);
        await mesh.apply('authn.yaml', other);
        expect([await send(rsa.token()), await send(ec.token())]).toEqual([401, 200]);
        await mesh.apply('authn.yaml', '');
        expect([await send('abc'), await send(ec.token())]).toEqual([200, 200]);
      }
      connection.close();
    });

    it('loses no request under load', async () => {
      await mesh.apply('authn.yaml', one);
      const connection = await mesh.open(VIP);
      const headers = bearer(rsa.token());
      const statuses = new Map<number, number>();
      const ended = new AbortController();
      const loads = Array.from({ length: 4 }, async () => {
        while (!ended.signal.aborted) {
          const { status } = await connection.send({
            method: 'GET',
            path: '/',
            host: 'web',
            headers,
            timeoutMs: 5_000,
          });
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      });
      for (let round = 0; round < 10; round++) {
        await mesh.apply('authn.yaml', both);
        await mesh.apply('authn.yaml', one);
        await mesh.apply('authn.yaml', '');
        await mesh.apply('authn.yaml', one);
      }
      ended.abort();
      await Promise.all(loads);
      connection.close();
      expect([...statuses.keys()]).toEqual([200]);
      expect(statuses.get(200)).toBeGreaterThan(100);
    });
  });

  it('of a whole waypoint holds for its services', async () => {
    const whole = `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: all, namespace: shop}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]
  jwtRules: [{issuer: ${rsa.name}, jwks: '${rsa.jwks}'}]
`;
    await mesh.apply('authn.yaml', whole);
    expect([await status(), await status(bearer(rsa.token())), await status(bearer(ec.token()))]).toEqual([
      200, 200, 401,
    ]);
    await mesh.apply('authn.yaml', '');
    expect(await status(bearer('abc'))).toBe(200);
  });
});
