/** How paths are normalized before anything is decided; names as in Istio's mesh configuration, and STRICT, our default. */
export type PathNormalization = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES' | 'STRICT';
