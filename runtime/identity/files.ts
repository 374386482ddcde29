import { createPrivateKey, X509Certificate } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Finding } from '#model/finding.ts';
import { spiffeIdOf } from '#model/identity.ts';
import { workloadCertificate, type Credentials } from './certificate.ts';
import { pemCertificates } from './pem.ts';
import { changing, type CredentialSource } from './source.ts';

/** Paths of PEM files made elsewhere: the chain with the leaf first, its key, and the trusted roots. */
export interface CredentialFiles {
  readonly certificate: string;
  readonly key: string;
  readonly roots: string;
}

export interface WatchOptions {
  readonly onFinding: (finding: Finding) => void;
  /** Quiet time after the last event before the files are read. */
  readonly debounceMs?: number;
  /** The files are read this often also without an event: network file systems send none. */
  readonly pollMs?: number;
}

/** Reads the files once. Throws, with words for the reader and never with content of the key, unless all is whole. */
export async function readCredentials(files: CredentialFiles): Promise<Credentials> {
  const [certificate, key, roots] = await Promise.all([read(files.certificate), read(files.key), read(files.roots)]);
  return credentials(files, certificate, key, roots);
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`, {
      cause: error,
    });
  }
}

function credentials(files: CredentialFiles, certificate: string, key: string, roots: string): Credentials {
  const chain = parseChain(files.certificate, certificate);
  const rootChain = parseChain(files.roots, roots);
  const [leaf] = chain;
  if (!leaf) throw new Error(`${files.certificate} holds no certificate`);
  if (rootChain.length === 0) throw new Error(`${files.roots} holds no certificate`);
  const identity = spiffeIdOf(leaf.subjectAltName);
  if (identity === undefined) {
    throw new Error(
      `${files.certificate}: expected one URI name spiffe://<trust domain>/ns/<namespace>/sa/<service account>; ` +
        `came ${leaf.subjectAltName ?? 'no alternative name'}`,
    );
  }
  if (!keyMatches(files.key, key, leaf)) {
    throw new Error(`${files.key} is not the key of ${files.certificate} (or one of them is not written yet)`);
  }
  return {
    workload: workloadCertificate({
      identity,
      certificate: chain.map((one) => one.toString()).join(''),
      key,
      notBefore: new Date(leaf.validFrom),
      notAfter: new Date(leaf.validTo),
      serial: leaf.serialNumber,
    }),
    roots: rootChain.map((one) => one.toString()).join(''),
  };
}

function parseChain(path: string, text: string): X509Certificate[] {
  try {
    return pemCertificates(text).map((pem) => new X509Certificate(pem));
  } catch (error) {
    throw new Error(`${path} is not whole PEM: ${(error as Error).message}`, { cause: error });
  }
}

function keyMatches(path: string, pem: string, leaf: X509Certificate): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(pem));
  } catch {
    // OpenSSL's message may quote what it read; it is not passed on.
    throw new Error(`${path} is not a whole private key in PEM without a passphrase`);
  }
}

/**
 * Watches the files. What is not whole or does not fit together is refused: the credentials before it stay, and a
 * finding says why, once for each different reason. Folders are watched rather than files, because writers replace
 * files by rename (and Kubernetes a symlink beside them).
 */
export async function watchCredentials(files: CredentialFiles, options: WatchOptions): Promise<CredentialSource> {
  const { onFinding, debounceMs = 50, pollMs = 10_000 } = options;
  const { source, replace } = changing(await readCredentials(files));
  let refused: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let reading = Promise.resolve();

  async function reload(): Promise<void> {
    try {
      replace(await readCredentials(files));
      refused = undefined;
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== refused) onFinding(refusal(reason, source.current()));
      refused = reason;
    }
  }
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => (reading = reading.then(reload)), debounceMs).unref();
  };

  const folders = new Set([files.certificate, files.key, files.roots].map((path) => dirname(path)));
  const watchers: FSWatcher[] = [...folders].map((folder) => {
    const watcher = watch(folder, { persistent: false }, soon);
    // A folder that is taken away ends its watch; polling goes on.
    return watcher.on('error', () => watcher.close());
  });
  const poll = setInterval(soon, pollMs).unref();
  // A change between the first read and the watch has no event.
  soon();

  return {
    ...source,
    close() {
      clearTimeout(timer);
      clearInterval(poll);
      for (const watcher of watchers) watcher.close();
    },
  };
}

const refusal = (reason: string, current: Credentials): Finding => ({
  code: 'PTL2101',
  level: 'error',
  path: '',
  message: `new certificate files are not used: ${reason}`,
  effect: `the certificate before them serves until ${current.workload.notAfter.toISOString()}`,
  next: 'write the certificate, its key and the roots anew; they are read again by themselves',
});
