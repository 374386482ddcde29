import type { Feature } from './names.ts';

/** How paths are normalized before anything is decided; names as in Istio's mesh configuration, and STRICT, our default. */
export type PathNormalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES' | 'STRICT';

/** What becomes of a request with several lines of a header that a policy names: every line counts, or 400. */
export type RepeatedHeaders = 'judge' | 'refuse';

export interface EmitOptions {
  /** Where HBONE is terminated. */
  readonly bind: { readonly address: string; readonly port: number };
  /** Files that hold the filters, on Envoy's disk. */
  readonly modules: Readonly<Record<Feature, string>>;
  readonly pathNormalization: PathNormalization;
  /** `judge` unless said otherwise. */
  readonly repeatedHeaders?: RepeatedHeaders;
  /** Where the access log of service traffic goes; none when absent. */
  readonly accessLog?: string;
  /** A tunnel connection older than this is drained, so that none outlives its caller's certificate by much. */
  readonly maxConnectionMs: number;
  /** Test only: filters that are left out of every chain, for measurements. */
  readonly without?: readonly Feature[];
}

export const DEFAULTS = {
  bind: { address: '127.0.0.1', port: 15008 },
  pathNormalization: 'STRICT',
  maxConnectionMs: 3_600_000,
} as const satisfies Partial<EmitOptions>;
