import type { Credentials } from './certificate.ts';

/** Credentials that may be replaced while the process runs: a development CA, files, later istiod. */
export interface CredentialSource {
  /** The newest good ones. Never throws: a source is only made once it has some. */
  current(): Credentials;
  /** Calls back after each change with what `current` then gives; returns what ends that. */
  onChange(listener: (credentials: Credentials) => void): () => void;
  /** Ends watching and timers. `current` goes on answering. */
  close(): void;
}

/** The part of a source that remembers and tells; sources put their watching around it. */
export interface Changing {
  readonly source: Omit<CredentialSource, 'close'>;
  /** Tells listeners only if something differs. */
  readonly replace: (credentials: Credentials) => void;
}

const same = (a: Credentials, b: Credentials): boolean =>
  a.workload.certificate === b.workload.certificate && a.workload.key === b.workload.key && a.roots === b.roots;

export function changing(first: Credentials): Changing {
  let credentials = first;
  const listeners = new Set<(credentials: Credentials) => void>();
  return {
    source: {
      current: () => credentials,
      onChange(listener) {
        // Wrapped, so that one function given twice is two listeners.
        const entry = (next: Credentials): void => listener(next);
        listeners.add(entry);
        return () => void listeners.delete(entry);
      },
    },
    replace(next) {
      if (same(credentials, next)) return;
      credentials = next;
      for (const listener of listeners) listener(next);
    },
  };
}
