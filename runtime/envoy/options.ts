import type { PathNormalization } from '#model/path-normalization.ts';
import type { DenialLogOptions } from './denial-log.ts';
import type { CallerMatch } from './local-reply.ts';
import type { Feature, Slot } from './names.ts';

export interface EmitOptions {
  /** Where HBONE is terminated. */
  readonly bind: { readonly address: string; readonly port: number };
  /** Files that hold the filters, on Envoy's disk. */
  readonly modules: Readonly<Record<Feature, string>>;
  /** Whatever the mesh configuration says; undefined: as it says, or STRICT. */
  readonly pathNormalization?: PathNormalization | undefined;
  /** Where the access log of service traffic goes; none when absent. */
  readonly accessLog?: string;
  /** File with the roots of the world, on Envoy's disk; without it no keys are fetched over TLS. */
  readonly systemRoots?: string | undefined;
  /** Where requests that policies denied are written, so that they can be explained later; nowhere when absent. */
  readonly denials?: DenialLogOptions;
  /** Callers that are told which rule denied them. */
  readonly explainTo?: readonly CallerMatch[];
  /** A tunnel connection older than this is drained, so that none outlives its caller's certificate by much. */
  readonly maxConnectionMs: number;
  /** Test only: filters that are left out of every chain, for measurements. */
  readonly without?: readonly Slot[];
}

export const DEFAULTS = {
  bind: { address: '127.0.0.1', port: 15008 },
  /** Where Debian keeps them, and so Envoy's own images. */
  systemRoots: '/etc/ssl/certs/ca-certificates.crt',
  maxConnectionMs: 3_600_000,
} as const satisfies Partial<EmitOptions>;
