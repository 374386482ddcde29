import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import type { Finding } from '#model/finding.ts';
import type { SpiffeId } from '#model/identity.ts';
import { spiffeIdOf } from '#model/identity.ts';
import { writeAtomically } from '#identity/atomic-file.ts';
import type { Authority } from '#identity/authority.ts';
import { workloadCertificate, type WorkloadCertificate } from '#identity/certificate.ts';
import { rotating } from '#identity/rotation.ts';
import type { CredentialSource } from '#identity/source.ts';

/**
 * Certificates of a waypoint from the development CA, renewed at half of their life. The present one is kept in the
 * waypoint's folder, so that a runtime that starts again shows Envoy the same and changes nothing.
 */
export async function developmentCredentials(
  authority: Authority,
  identity: SpiffeId,
  folder: string,
  onFinding: (finding: Finding) => void,
): Promise<CredentialSource> {
  let kept = await readKept(folder, identity, authority);
  return rotating({
    async issue() {
      const found = kept;
      kept = undefined;
      if (found) return found;
      const issued = await authority.issue({ spiffeId: identity });
      // Key first: a certificate without its key would be read, a key without its certificate is not.
      await writeAtomically(join(folder, KEY), issued.key, 0o600);
      await writeAtomically(join(folder, CERTIFICATE), issued.certificate, 0o600);
      return issued;
    },
    roots: () => authority.root,
    onFinding,
  });
}

const CERTIFICATE = 'tls.crt';
const KEY = 'tls.key';

/** The certificate of an earlier run, if it is this identity's, of this CA, and has more than half of its life left. */
async function readKept(
  folder: string,
  identity: SpiffeId,
  authority: Authority,
): Promise<WorkloadCertificate | undefined> {
  try {
    const [certificate, key] = await Promise.all([
      readFile(join(folder, CERTIFICATE), 'utf8'),
      readFile(join(folder, KEY), 'utf8'),
    ]);
    const leaf = new X509Certificate(certificate);
    const notBefore = new Date(leaf.validFrom);
    const notAfter = new Date(leaf.validTo);
    const half = (notAfter.getTime() + notBefore.getTime()) / 2;
    const good =
      spiffeIdOf(leaf.subjectAltName) === identity &&
      leaf.verify(new X509Certificate(authority.root).publicKey) &&
      Date.now() < half;
    return good
      ? workloadCertificate({ identity, certificate, key, notBefore, notAfter, serial: leaf.serialNumber })
      : undefined;
  } catch {
    return undefined;
  }
}
