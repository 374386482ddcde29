import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuthzCondition, AuthzPolicySet } from '#model/authz.ts';
import { compileAuthz } from '#policy/authz/compile.ts';
import { requestPrincipalMatch, stringMatch } from '#translate/authz-value.ts';
import { loadFilter } from '../filters/load.ts';
import { RealEnvoy } from './real-envoy.ts';

// Tokens that stock Envoy's jwt_authn verifies, as Istio configures it, and what the authorization filter behind it reads of
// them: the bytes of metadata are Envoy's own.

const FILTERS = 'type.googleapis.com/envoy.extensions.filters';
const ISSUER = 'https://issuer/a';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

function token(claims: string, key = privateKey): string {
  const head = `${base64('{"alg":"ES256","kid":"k"}')}.${base64(claims)}`;
  return `${head}.${base64(sign('sha256', Buffer.from(head), { key, dsaEncoding: 'ieee-p1363' }))}`;
}

const claim = (path: readonly string[], value: string): AuthzCondition => ({
  key: 'claim',
  claim: path,
  values: { any: [stringMatch(value)], none: [] },
});

/** Whoever the issuer speaks of, in the right group, with the right role, and not the one that was thrown out. */
const NONE = { any: [], none: [] };
const SET: AuthzPolicySet = {
  policies: [
    {
      namespace: 'n',
      name: 'members',
      action: 'ALLOW',
      rules: [
        {
          from: [
            {
              principals: NONE,
              namespaces: NONE,
              ipBlocks: NONE,
              requestPrincipals: {
                any: [requestPrincipalMatch(`${ISSUER}/*`)],
                none: [requestPrincipalMatch(`${ISSUER}/outcast`)],
              },
            },
          ],
          to: [],
          when: [claim(['groups'], 'admin'), claim(['realm', 'roles'], 'writer')],
        },
      ],
    },
  ],
};

let folder: string;
let envoy: RealEnvoy;
let port: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-token-'));
  writeFileSync(join(folder, 'authz.wasm'), loadFilter('authz', 'release'));
  envoy = await RealEnvoy.start(bootstrap(), ['--component-log-level', 'wasm:warning']);
  port = await envoy.port('main');
});

afterAll(async () => {
  await envoy?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function status(bearer?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    const call = request({ host: '127.0.0.1', port, headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    call.on('error', reject);
    call.end();
  });
}

const claims = (more: object): string =>
  JSON.stringify({
    iss: ISSUER,
    sub: 'alice',
    groups: ['x', 'admin'],
    realm: { roles: ['reader', 'writer'] },
    ...more,
  });

const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('a verified token', () => {
  test.each<[string, string, number]>([
    ['as wanted', claims({}), 200],
    ['with one text instead of a list', claims({ groups: 'admin', realm: { roles: 'writer' } }), 200],
    ['with values of every kind beside', claims({ a: null, b: 1.5, c: true, d: {}, e: [], f: [null, [1]] }), 200],
    ['with much in it', claims({ much: Array.from({ length: 2_000 }, (_, i) => `group-${i}`) }), 200],
    ['deep where nobody looks', claims({}).replace('{', `{"deep":${nested(90)},`), 200],
    ['of the outcast', claims({ sub: 'outcast' }), 403],
    ['about nobody', claims({ sub: '' }), 403],
    ['about a subject with a slash', claims({ sub: 'a/b' }), 200],
    ['of another group', claims({ groups: ['administrator'] }), 403],
    ['with the group as a key', claims({ groups: { admin: 1 } }), 403],
    ['with the group after a blank', claims({ groups: 'x admin' }), 403],
    ['with null for a group', claims({ groups: null }), 403],
    ['without a role', claims({ realm: [] }), 403],
    ['that is too deep for Envoy', claims({}).replace('{', `{"deep":${nested(1_000)},`), 401],
    ['of another issuer', claims({ iss: 'https://issuer' }), 401],
  ])('%s', async (_, payload, expected) => {
    expect(await status(token(payload))).toBe(expected);
  });

  test('and none, and one of another key', async () => {
    expect(await status()).toBe(403);
    const { privateKey: other } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(await status(token(claims({}), other))).toBe(401);
    expect(envoy.log).not.toContain('abort');
  });
});

function bootstrap(): Record<string, unknown> {
  const provider = {
    issuer: ISSUER,
    local_jwks: {
      inline_string: JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'ES256' }] }),
    },
    payload_in_metadata: 'payload',
    normalize_payload_in_metadata: { space_delimited_claims: ['scope', 'permission'] },
    forward: true,
  };
  const program = compileAuthz(SET, { port: 80, addresses: ['10.0.0.1'], protocol: 'http' }) ?? new Uint8Array();
  const manager = {
    '@type': `${FILTERS}.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'main',
    route_config: {
      virtual_hosts: [
        { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] },
      ],
    },
    http_filters: [
      {
        name: 'authn',
        typed_config: {
          '@type': `${FILTERS}.http.jwt_authn.v3.JwtAuthentication`,
          providers: { 'origins-0': provider },
          rules: [
            {
              match: { prefix: '/' },
              requires: { requires_any: { requirements: [{ provider_name: 'origins-0' }, { allow_missing: {} }] } },
            },
          ],
        },
      },
      {
        name: 'authz',
        typed_config: {
          '@type': `${FILTERS}.http.wasm.v3.Wasm`,
          config: {
            name: 'authz',
            root_id: 'authz',
            failure_policy: 'FAIL_RELOAD',
            vm_config: {
              vm_id: 'portolan.authz',
              runtime: 'envoy.wasm.runtime.v8',
              code: { local: { filename: join(folder, 'authz.wasm') } },
            },
            configuration: {
              '@type': 'type.googleapis.com/google.protobuf.BytesValue',
              value: Buffer.from(program).toString('base64'),
            },
          },
        },
      },
      { name: 'router', typed_config: { '@type': `${FILTERS}.http.router.v3.Router` } },
    ],
  };
  return {
    node: { id: 'token', cluster: 'token' },
    static_resources: {
      listeners: [
        {
          name: 'main',
          address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
    },
  };
}
