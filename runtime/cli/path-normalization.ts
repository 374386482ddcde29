import { PATH_NORMALIZATIONS, type PathNormalization } from '#model/path-normalization.ts';

/** The mode that a flag names: the parser lets nothing else through. Undefined: the mesh says, or nobody does. */
export const pathNormalizationOf = (text: string | undefined): PathNormalization | undefined =>
  PATH_NORMALIZATIONS.find((one) => one === text);
