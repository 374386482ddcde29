import { X509Certificate } from 'node:crypto';
import { spiffeIdOf, type SpiffeId } from '#model/identity.ts';
import { pemCertificates } from './pem.ts';

type CertificateStatus = 'valid' | 'expired' | 'not yet valid' | 'no identity' | 'untrusted' | 'not checked';

/** What `portolan certs` shows of a certificate. Holds no secret. */
export interface CertificateDescription {
  readonly identity: SpiffeId | undefined;
  /** Alternative names as OpenSSL writes them. */
  readonly names: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** SHA-256 over DER, hexadecimal with colons. */
  readonly fingerprint: string;
  /** Subjects above the leaf in the order given. */
  readonly chain: readonly string[];
  /** `not checked` when it is within its time and no roots were given. */
  readonly status: CertificateStatus;
}

/**
 * Describes a PEM chain, leaf first; `roots` (PEM) lets it say whether the chain is trusted. Throws if the text holds
 * no certificate.
 */
export function describe(certificate: string, roots?: string, now = new Date()): CertificateDescription {
  const chain = pemCertificates(certificate).map((pem) => new X509Certificate(pem));
  const [leaf] = chain;
  if (!leaf) throw new Error('expected a certificate in PEM (-----BEGIN CERTIFICATE-----); came none');
  const trusted = roots === undefined ? undefined : leadsTo(chain, pemCertificates(roots), now);
  return {
    identity: spiffeIdOf(leaf.subjectAltName),
    names: leaf.subjectAltName ?? '',
    subject: oneLine(leaf.subject),
    issuer: oneLine(leaf.issuer),
    serial: leaf.serialNumber,
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
    fingerprint: leaf.fingerprint256,
    chain: chain.slice(1).map((one) => oneLine(one.subject)),
    status: status(leaf, trusted, now),
  };
}

// Node's types promise a string; an empty name is undefined.
const oneLine = (name: string | undefined): string => (name ?? '').replaceAll('\n', ', ');

const covers = (certificate: X509Certificate, now: Date): boolean =>
  new Date(certificate.validFrom) <= now && now <= new Date(certificate.validTo);

function status(leaf: X509Certificate, trusted: boolean | undefined, now: Date): CertificateStatus {
  if (new Date(leaf.validTo) < now) return 'expired';
  if (new Date(leaf.validFrom) > now) return 'not yet valid';
  if (spiffeIdOf(leaf.subjectAltName) === undefined) return 'no identity';
  if (trusted === undefined) return 'not checked';
  return trusted ? 'valid' : 'untrusted';
}

/** Each certificate is issued by the next, the last by a root, and all but the leaf are authorities in their time. */
function leadsTo(chain: readonly X509Certificate[], roots: readonly string[], now: Date): boolean {
  const issues = (issuer: X509Certificate, subject: X509Certificate): boolean =>
    issuer.ca && covers(issuer, now) && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
  const linked = chain.every((one, index) => {
    const next = chain[index + 1];
    return next === undefined || issues(next, one);
  });
  const last = chain.at(-1);
  return linked && last !== undefined && roots.some((pem) => issues(new X509Certificate(pem), last));
}
