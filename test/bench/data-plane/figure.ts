/** What a number was over all rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One variant: its CPU in each round, and what that is against its baseline in the same rounds. */
export interface Figure {
  readonly name: string;
  /** The variant without what this one is about; absent: it is one itself. */
  readonly baseline?: string;
  /** Microseconds of worker CPU a request, one number a round. */
  readonly rounds: readonly number[];
  readonly cpu: Spread;
  /** Microseconds more than the baseline, by round. */
  readonly added?: Spread;
  /** Times the baseline, by round. */
  readonly ratio?: Spread;
  /** Of the load generator, over all rounds; the connections are closed-loop, so this is what saturation gives. */
  readonly requestsPerSecond: number;
  readonly requests: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined || min === undefined || max === undefined) {
    throw new RangeError('expected at least one round, came none');
  }
  return { median: (low + high) / 2, min, max };
}

/** Round by round: only what was measured within moments of each other may be compared on a machine that drifts. */
export const paired = (
  a: readonly number[],
  b: readonly number[],
  combine: (a: number, b: number) => number,
): readonly number[] => a.map((value, round) => combine(value, b[round] ?? Number.NaN));

export const difference = (a: number, b: number): number => a - b;
export const quotient = (a: number, b: number): number => a / b;

/** Undefined where a run measured only some variants. */
export const figureOf = (figures: readonly Figure[], name: string): Figure | undefined =>
  figures.find((figure) => figure.name === name);

/** What a variant adds to its baseline, one number a round. */
export function addedByRound(figures: readonly Figure[], name: string): readonly number[] | undefined {
  const figure = figureOf(figures, name);
  const baseline = figure?.baseline === undefined ? undefined : figureOf(figures, figure.baseline);
  return figure && baseline && paired(figure.rounds, baseline.rounds, difference);
}
