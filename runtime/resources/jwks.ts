import { createPublicKey, type JsonWebKey } from 'node:crypto';

type Key = Readonly<Record<string, unknown>>;

/**
 * What is wrong with a JSON Web Key Set, never with a word of what is in it; undefined: nothing. A key that Envoy cannot
 * use it leaves out, but a set without a usable key it refuses, and with it everything that is said of tokens.
 */
export function jwksError(text: string): string | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  const keys = (parsed as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length === 0) return 'it has no list "keys" with a key';
  if (!keys.every((key) => typeof key === 'object' && key !== null)) return 'a key of it is not an object';
  return keys.some((key: Key) => isUsable(key)) ? undefined : 'none of its keys is one that can be used';
}

const ALGORITHMS: Readonly<Record<string, RegExp>> = {
  RSA: /^[RP]S(?:256|384|512)$/,
  EC: /^ES(?:256|384|512)$/,
  OKP: /^EdDSA$/,
  oct: /^HS(?:256|384|512)$/,
};

/** Less can be broken by anybody. */
const MIN_RSA_BITS = 1024;

const CURVES: Readonly<Record<string, readonly string[]>> = { EC: ['P-256', 'P-384', 'P-521'], OKP: ['Ed25519'] };

function isUsable({ kty, alg, crv, k, kid, n, e, x, y }: Key): boolean {
  if (typeof kty !== 'string' || !Object.hasOwn(ALGORITHMS, kty)) return false;
  if (alg !== undefined && !(typeof alg === 'string' && ALGORITHMS[kty]?.test(alg) === true)) return false;
  if (kid !== undefined && typeof kid !== 'string') return false;
  if (kty === 'oct') return typeof k === 'string' && /^[\w-]+$/.test(k);
  const curves = CURVES[kty];
  if (curves !== undefined && !curves.includes(String(crv))) return false;
  try {
    // Of the public part alone: a private key that somebody put there is no business of ours.
    const key = createPublicKey({ key: { kty, crv, n, e, x, y } as JsonWebKey, format: 'jwk' });
    return (key.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS) >= MIN_RSA_BITS;
  } catch {
    return false;
  }
}
