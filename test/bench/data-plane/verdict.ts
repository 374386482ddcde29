import { addedByRound, figureOf, paired, quotient, spread, type Figure, type Spread } from './figure.ts';
import { ALL, authzName, EMPTY, NONE, rulesName } from './single-envoy.ts';
import { ALL_FEATURES, NATIVE_ONE } from './stall.ts';

/** A limit that was set, and what came. */
export interface Verdict {
  readonly name: string;
  readonly unit: string;
  readonly limit: number;
  readonly measured: Spread;
  /** By the median. */
  readonly met: boolean;
}

/**
 * Where the limits come from: on one machine an empty filter was to add at most 1.6 µs and authz with 1,000 policies
 * at most 3.5 µs, where native RBAC `rules` with 1,000 policies and random keys added 33 µs. Machines differ by more
 * than filters do, so it is their ratio to `rules` of the same run that counts.
 */
const REFERENCE_RULES_US = 33;
const POLICIES = 1_000;

type Rounds = (figures: Measured) => readonly number[] | undefined;

interface Limit {
  readonly name: string;
  readonly unit: string;
  readonly limit: number;
  /** One number a round; undefined where the run did not measure it. */
  readonly rounds: Rounds;
}

interface Measured {
  readonly single: readonly Figure[];
  readonly waypoint: readonly Figure[];
}

const added =
  (name: string): Rounds =>
  ({ single }) =>
    addedByRound(single, name);
const cpu =
  (bed: keyof Measured, name: string): Rounds =>
  (figures) =>
    figureOf(figures[bed], name)?.rounds;
const ratio =
  (of: Rounds, to: Rounds): Rounds =>
  (figures) => {
    const [a, b] = [of(figures), to(figures)];
    return a && b && paired(a, b, quotient);
  };

const RULES = added(rulesName(POLICIES));

const LIMITS: readonly Limit[] = [
  {
    name: `empty filter / RBAC rules, 1,000 (1.6 of ${REFERENCE_RULES_US} µs)`,
    unit: '×',
    limit: 1.6 / REFERENCE_RULES_US,
    rounds: ratio(added(EMPTY), RULES),
  },
  {
    name: `authz, 1,000 / RBAC rules, 1,000 (3.5 of ${REFERENCE_RULES_US} µs)`,
    unit: '×',
    limit: 3.5 / REFERENCE_RULES_US,
    rounds: ratio(added(authzName(POLICIES)), RULES),
  },
  { name: 'empty filter, added', unit: 'µs', limit: 1.6, rounds: added(EMPTY) },
  { name: 'authz, 1,000, added', unit: 'µs', limit: 3.5, rounds: added(authzName(POLICIES)) },
  {
    name: 'authz, 10,000 / authz, 1',
    unit: '×',
    limit: 1.3,
    rounds: ratio(added(authzName(10_000)), added(authzName(1))),
  },
  {
    name: 'all four / request without filters',
    unit: '×',
    limit: 0.25,
    rounds: ratio(added(ALL), cpu('single', NONE.caller)),
  },
  {
    name: 'HBONE waypoint: all four / native RBAC rules, 1',
    unit: '×',
    limit: 1.15,
    rounds: ratio(cpu('waypoint', ALL_FEATURES), cpu('waypoint', NATIVE_ONE)),
  },
];

/** Every limit with what this run gave, as far as it measured it. */
export function verdicts(figures: Measured): readonly Verdict[] {
  return LIMITS.flatMap(({ name, unit, limit, rounds }) => {
    const numbers = rounds(figures);
    if (numbers === undefined) return [];
    const measured = spread(numbers);
    return [{ name, unit, limit, measured, met: measured.median <= limit }];
  });
}
