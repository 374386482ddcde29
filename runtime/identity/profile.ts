import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from './x509.ts';

export const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export type KeyPair = webcrypto.CryptoKeyPair;

/** Everything that distinguishes one certificate from another. */
export interface CertificateProfile {
  /** RFC 4514, may be empty. */
  readonly subject: string;
  readonly uris: readonly string[];
  readonly dns: readonly string[];
  readonly isAuthority: boolean;
  /** Ignored for an authority. */
  readonly usages: readonly ('client' | 'server')[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export interface Signer {
  /** RFC 4514. */
  readonly subject: string;
  readonly keys: KeyPair;
  /** Absent: the certificate signs itself. */
  readonly certificate?: x509.X509Certificate;
}

export async function generateKeys(): Promise<KeyPair> {
  return await webcrypto.subtle.generateKey(ECDSA, true, ['sign', 'verify']);
}

/**
 * Signs a certificate. Its form follows the SPIFFE X.509-SVID document and RFC 5280: a leaf has keyUsage
 * digitalSignature alone, an authority keyCertSign and cRLSign, both critical; the alternative name is critical
 * exactly when the subject is empty, because then it is the only name.
 */
export async function sign(
  profile: CertificateProfile,
  publicKey: webcrypto.CryptoKey,
  signer: Signer,
): Promise<x509.X509Certificate> {
  const { KeyUsageFlags, ExtendedKeyUsage } = x509;
  const names: x509.JsonGeneralNames = [
    ...profile.uris.map((value) => ({ type: 'url' as const, value })),
    ...profile.dns.map((value) => ({ type: 'dns' as const, value })),
  ];
  const usages = profile.usages.map((use) =>
    use === 'client' ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth,
  );
  const { keyCertSign, cRLSign, digitalSignature } = KeyUsageFlags;
  const keyUsage = profile.isAuthority ? ((keyCertSign | cRLSign) as x509.KeyUsageFlags) : digitalSignature;
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(profile.isAuthority, undefined, true),
    new x509.KeyUsagesExtension(keyUsage, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(signer.keys.publicKey),
  ];
  if (names.length > 0) {
    extensions.push(new x509.SubjectAlternativeNameExtension(names, profile.subject === ''));
  }
  if (!profile.isAuthority && usages.length > 0) extensions.push(new x509.ExtendedKeyUsageExtension(usages));
  return await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: profile.subject,
    issuer: signer.subject,
    notBefore: profile.notBefore,
    notAfter: profile.notAfter,
    publicKey,
    signingKey: signer.keys.privateKey,
    signingAlgorithm: ECDSA,
    extensions,
  });
}

/** 127 random bits, positive and never zero, as RFC 5280 4.1.2.2 wants. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

export const certificatePem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem').trim()}\n`;

export async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n');
}
