import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as x509 from './x509.ts';
import { authority, createMaterial, type Authority, type AuthorityMaterial } from './authority.ts';
import { writeAtomically } from './atomic-file.ts';
import { ECDSA, keyPem } from './profile.ts';

const CERTIFICATE = 'root.crt';
const KEY = 'root.key';

/**
 * Opens the development authority kept in a folder, and makes one where the folder is absent or empty. The folder is
 * only for its owner (0700), the key as well (0600). Certificate and key appear together, by one rename, so several
 * processes may open the same folder at once and all get the same authority. Throws, and changes nothing, when the
 * folder holds something else.
 */
export async function openAuthority(folder: string, trustDomain: string): Promise<Authority> {
  const held = await readdir(folder).catch(absent);
  if (held.length === 0) await create(folder, trustDomain);
  return authority(await load(folder, trustDomain));
}

const absent = (error: NodeJS.ErrnoException): string[] => {
  if (error.code === 'ENOENT') return [];
  throw error;
};

async function create(folder: string, trustDomain: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    const { root, signer } = await createMaterial(trustDomain);
    await writeAtomically(join(draft, KEY), await keyPem(signer.keys.privateKey), 0o600);
    await writeAtomically(join(draft, CERTIFICATE), root, 0o644);
    await rename(draft, folder).catch(takenByAnother);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function takenByAnother(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
}

async function load(folder: string, trustDomain: string): Promise<AuthorityMaterial> {
  const refuse = (came: string): Error =>
    new Error(
      `the development authority cannot be used\n  expected  ${CERTIFICATE} and ${KEY} of trust domain ${trustDomain} in ${folder}\n` +
        `  came      ${came}\n  next      name another folder, or move this one away: a new authority is made, and certificates of the old one are no longer trusted`,
    );
  const [certificateText, keyText] = await Promise.all(
    [CERTIFICATE, KEY].map((name) => readFile(join(folder, name), 'utf8').catch(() => undefined)),
  );
  if (certificateText === undefined) throw refuse(`no ${CERTIFICATE}`);
  if (keyText === undefined) throw refuse(`no ${KEY}`);
  await chmod(join(folder, KEY), 0o600);
  await chmod(folder, 0o700);

  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(certificateText);
  } catch {
    throw refuse(`${CERTIFICATE} is not a PEM certificate`);
  }
  const keys = await importKeys(keyText).catch(() => undefined);
  if (!keys) throw refuse(`${KEY} is not an ECDSA P-256 key in PKCS#8 PEM`);
  if (!certificate.checkPrivateKey(createPrivateKey(keyText))) throw refuse(`${KEY} belongs to another certificate`);
  if (certificate.subjectAltName !== `URI:spiffe://${trustDomain}`) {
    throw refuse(`a certificate for ${certificate.subjectAltName ?? 'no trust domain'}`);
  }
  if (new Date(certificate.validTo).getTime() < Date.now())
    throw refuse(`a certificate that ended ${certificate.validTo}`);

  const parsed = new x509.X509Certificate(certificateText);
  return {
    trustDomain,
    signer: { subject: parsed.subject, keys, certificate: parsed },
    chain: [],
    root: certificateText,
  };
}

async function importKeys(pem: string): Promise<webcrypto.CryptoKeyPair> {
  const privateKey = createPrivateKey(pem);
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  const jwk = privateKey.export({ format: 'jwk' });
  const { d: _, ...publicJwk } = jwk;
  return {
    privateKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, ECDSA, true, ['sign']),
    publicKey: await webcrypto.subtle.importKey('jwk', publicJwk as webcrypto.JsonWebKey, ECDSA, true, ['verify']),
  };
}
