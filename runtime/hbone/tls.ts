import type { SpiffeId } from '#model/identity.ts';
import { HboneError } from './error.ts';

/** PEM texts of one side of mutual TLS; `ca` holds every trusted root. */
export interface HboneTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** ztunnel speaks TLS 1.3 and h2, nothing else. */
export const HBONE_TLS = { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ALPNProtocols: ['h2'] as string[] } as const;

/**
 * Bytes in flight towards us that one stream, and one connection, may have. Node gives the connection's part back when
 * it reads from the socket, so readers who stopped do not hold up other streams. But it reads nothing while a write is
 * under way: two Nodes that write to each other more than the socket buffers hold would wait for each other for ever.
 * A connection window that fits into the buffers rules that out.
 */
export const STREAM_WINDOW = 512 << 10;
export const CONNECTION_WINDOW = 1 << 20;

/** What a server must be: a SPIFFE id, or a test of it. Its chain is verified before. */
export type ExpectedIdentity = SpiffeId | ((identity: SpiffeId) => boolean);

/** Throws unless the peer is who it should be. Without an expectation any identity that the roots vouch for will do. */
export function checkIdentity(found: SpiffeId | undefined, names: string, expected?: ExpectedIdentity): SpiffeId {
  const wanted = typeof expected === 'string' ? expected : 'a SPIFFE id of the form spiffe://<td>/ns/<ns>/sa/<sa>';
  const good =
    found !== undefined && (typeof expected === 'function' ? expected(found) : !expected || expected === found);
  if (good) return found;
  throw new HboneError(
    'identity',
    `the peer is somebody else\n  expected  ${wanted}\n  came      ${found ?? (names || 'a certificate without names')}`,
  );
}

/** Node's error of a failed handshake, in words: who refused whom, and why. */
export function handshakeError(place: string, error: NodeJS.ErrnoException): HboneError {
  const code = error.code ?? '';
  const details = { cause: error };
  const alert = /^ERR_SSL_(?:TLSV\d+|SSLV3|TLSV13)_ALERT_(.+)$/.exec(code)?.[1]?.toLowerCase().replaceAll('_', ' ');
  if (alert)
    return new HboneError('tls', `${place} refused our certificate: TLS alert "${alert}"`, { ...details, alert });
  if (code === 'ERR_HTTP2_ERROR' || code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL') {
    return new HboneError('tls', `${place} does not speak HTTP/2 over TLS`, details);
  }
  if (OWN_VERDICTS.has(code)) {
    return new HboneError('tls', `the certificate of ${place} is not trusted: ${error.message} (${code})`, details);
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return new HboneError(
      'tls',
      `${place} closed the connection during the TLS handshake; it may have refused our certificate`,
      details,
    );
  }
  if (code.startsWith('ERR_SSL') || code === 'EPROTO') {
    return new HboneError('tls', `the TLS handshake with ${place} failed: ${error.message}`, details);
  }
  return new HboneError('unreachable', `${place} cannot be reached: ${error.message}`, details);
}

/** Codes that Node gives when it judges the peer's chain. */
const OWN_VERDICTS = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
  'INVALID_PURPOSE',
]);
