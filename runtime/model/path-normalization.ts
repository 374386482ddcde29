/** How paths are normalized before anything is decided: names as in Istio's mesh configuration, and STRICT. */
export const PATH_NORMALIZATIONS = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES', 'STRICT'] as const;

export type PathNormalization = (typeof PATH_NORMALIZATIONS)[number];

/** Ours where nobody says otherwise: applications disagree on what an escaped slash means, so it is refused. */
export const DEFAULT_PATH_NORMALIZATION: PathNormalization = 'STRICT';
