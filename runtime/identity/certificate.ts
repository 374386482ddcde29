import { inspect } from 'node:util';
import type { SpiffeId } from '#model/identity.ts';

/** An X.509-SVID with its private key. Made by `workloadCertificate`, so that printing it never shows the key. */
export interface WorkloadCertificate {
  readonly identity: SpiffeId;
  /** PEM: the leaf, then the intermediates in order; never the root. */
  readonly certificate: string;
  /** PKCS#8 PEM. */
  readonly key: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Hexadecimal, upper case, as OpenSSL prints it. */
  readonly serial: string;
}

/** What a proxy needs to speak mutual TLS: who it is and whom it believes. */
export interface Credentials {
  readonly workload: WorkloadCertificate;
  /** PEM: every trusted root. */
  readonly roots: string;
}

/**
 * Gives the same value with a key that neither JSON.stringify nor console.log nor util.inspect shows; only code that
 * names `.key` sees it. A copy by spread loses that, so copies go through here as well.
 */
export function workloadCertificate(fields: WorkloadCertificate): WorkloadCertificate {
  const value = { ...fields };
  const redacted = (): object => ({ ...fields, key: '[private key]' });
  Object.defineProperty(value, 'toJSON', { value: redacted });
  Object.defineProperty(value, inspect.custom, { value: redacted });
  return Object.freeze(value);
}
