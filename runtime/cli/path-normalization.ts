import { DEFAULT_PATH_NORMALIZATION, PATH_NORMALIZATIONS, type PathNormalization } from '#model/path-normalization.ts';

/** The mode that a flag names: the parser lets nothing else through. */
export const pathNormalizationOf = (text: string | undefined): PathNormalization =>
  PATH_NORMALIZATIONS.find((one) => one === text) ?? DEFAULT_PATH_NORMALIZATION;
