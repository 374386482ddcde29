import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { jwksError } from './jwks.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const ed = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const set = (...keys: readonly unknown[]): string => JSON.stringify({ keys });

describe('jwksError', () => {
  it.each([
    ['RSA', rsa],
    ['RSA with its algorithm', { ...rsa, alg: 'RS256', use: 'sig', kid: 'a' }],
    ['EC', { ...ec, alg: 'ES256' }],
    ['Ed25519', { ...ed, alg: 'EdDSA' }],
    ['a secret', { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }],
  ])('takes a set with a key of %s', (_, key) => {
    expect(jwksError(set(key))).toBeUndefined();
    expect(jwksError(set({ kty: 'unknown' }, key))).toBeUndefined();
  });

  it.each([
    ['it is not JSON', '{'],
    ['it has no list "keys" with a key', '{}'],
    ['it has no list "keys" with a key', 'null'],
    ['it has no list "keys" with a key', set()],
    ['it has no list "keys" with a key', JSON.stringify(rsa)],
    ['a key of it is not an object', set('x')],
    ['none of its keys is one that can be used', set({})],
    ['none of its keys is one that can be used', set({ kty: 'RSA', n: '', e: '' })],
    ['none of its keys is one that can be used', set({ ...rsa, alg: 'ES256' })],
    ['none of its keys is one that can be used', set({ ...ec, x: 'AAAA' })],
    ['none of its keys is one that can be used', set({ ...ec, crv: 'secp256k1' })],
    ['none of its keys is one that can be used', set({ kty: 'oct' })],
    ['none of its keys is one that can be used', set({ kty: '__proto__' })],
  ])('says that %s: %s', (message, text) => {
    expect(jwksError(text)).toBe(message);
  });
});
