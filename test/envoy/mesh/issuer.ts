import { createHmac, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Claims = Readonly<Record<string, unknown>>;

/** Whoever signs tokens. */
export interface Issuer {
  readonly name: string;
  /** The public keys, as JSON. */
  readonly jwks: string;
  /** A token that is good for an hour, unless its claims say otherwise. */
  token(claims?: Claims, header?: Claims): string;
  /** With whatever for a payload, in whatever state. */
  raw(header: string, payload: string): string;
  /** Signed by HMAC with the public key in PEM as the secret, as who confuses algorithms would accept it. */
  confused(claims?: Claims): string;
}

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64url');

export function createIssuer(name: string, algorithm: 'RS256' | 'ES256' = 'RS256'): Issuer {
  const keys =
    algorithm === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  const payloadOf = (claims: Claims): string =>
    JSON.stringify({ iss: name, sub: 'alice', exp: Math.floor(Date.now() / 1000) + 3600, ...claims });
  const headerOf = (header: Claims): string => JSON.stringify({ alg: algorithm, typ: 'JWT', kid, ...header });
  const raw = (header: string, payload: string): string => {
    const signed = `${base64(header)}.${base64(payload)}`;
    return `${signed}.${base64(signature(signed, keys.privateKey))}`;
  };
  return {
    name,
    jwks: JSON.stringify({ keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' }] }),
    token: (claims = {}, header = {}) => raw(headerOf(header), payloadOf(claims)),
    raw,
    confused(claims = {}) {
      const signed = `${base64(headerOf({ alg: 'HS256' }))}.${base64(payloadOf(claims))}`;
      const secret = keys.publicKey.export({ type: 'spki', format: 'pem' });
      return `${signed}.${base64(createHmac('sha256', secret).update(signed).digest())}`;
    },
  };
}

const signature = (signed: string, key: KeyObject): Buffer =>
  sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' });

/** A server of keys that can be told to misbehave. */
export interface KeyServer {
  readonly port: number;
  /** How often it was asked. */
  readonly asked: number;
  answer(how: (response: ServerResponse) => void): void;
  close(): Promise<void>;
}

export async function startKeyServer(
  port = 0,
  tls?: { readonly key: string; readonly cert: string },
): Promise<KeyServer> {
  let asked = 0;
  let respond = (response: ServerResponse): void => void response.writeHead(500).end();
  const listener = (_: IncomingMessage, response: ServerResponse): void => {
    asked++;
    respond(response);
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    get asked() {
      return asked;
    },
    answer(how) {
      respond = how;
    },
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
