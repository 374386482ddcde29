import { existsSync } from 'node:fs';

/** Where systems keep the roots of the world in one file: Istio's list, in its order. */
const PLACES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** The file with the roots of this system, which SSL_CERT_FILE overrides as for any other program; undefined: none. */
export function systemRoots(
  environment: Readonly<Record<string, string | undefined>>,
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  const given = environment['SSL_CERT_FILE'];
  return [...(given ? [given] : []), ...PLACES].find((place) => exists(place));
}
