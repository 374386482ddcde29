import { addedByRound, figureOf, paired, quotient, spread, type Figure, type Spread } from './figure.ts';
import { ALL, authzName, BARE_MODULE, BARE_READS, EMPTY, NONE, rulesName } from './single-envoy.ts';
import { ALL_FEATURES, NATIVE_ONE } from './stall.ts';

/** A limit that was set, and what came. */
export interface Verdict {
  readonly name: string;
  readonly unit: string;
  readonly limit: number;
  readonly measured: Spread;
  /** By the median. `noise`: a round in which a filter cost nothing or less, so that the run says nothing. */
  readonly outcome: 'met' | 'missed' | 'noise';
}

/**
 * Where the limits come from: an empty filter is to add at most 1.6 µs and authz with 1,000 policies at most 3.5 µs on
 * a machine where native RBAC `rules` with 1,000 policies and random keys added 33 µs, a bare module 1.27 µs, and one
 * that read all headers and one property 2.74 µs. Machines differ by more than filters do, so ratios within one run
 * are what counts: to `rules`, which is bound by memory, and to bare modules, which are bound by the border between
 * Envoy and V8 as filters are.
 */
const REFERENCE = { rules: 33, bare: 1.27, reads: 2.74 };
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
    name: `empty filter / RBAC rules, 1,000 (1.6 of ${REFERENCE.rules} µs)`,
    unit: '×',
    limit: 1.6 / REFERENCE.rules,
    rounds: ratio(added(EMPTY), RULES),
  },
  {
    name: `authz, 1,000 / RBAC rules, 1,000 (3.5 of ${REFERENCE.rules} µs)`,
    unit: '×',
    limit: 3.5 / REFERENCE.rules,
    rounds: ratio(added(authzName(POLICIES)), RULES),
  },
  {
    name: `empty filter / bare module (1.6 of ${REFERENCE.bare} µs)`,
    unit: '×',
    limit: 1.6 / REFERENCE.bare,
    rounds: ratio(added(EMPTY), added(BARE_MODULE)),
  },
  {
    name: `authz, 1,000 / bare module that reads (3.5 of ${REFERENCE.reads} µs)`,
    unit: '×',
    limit: 3.5 / REFERENCE.reads,
    rounds: ratio(added(authzName(POLICIES)), added(BARE_READS)),
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

const outcomeOf = ({ median, min }: Spread, limit: number): Verdict['outcome'] =>
  min <= 0 ? 'noise' : median <= limit ? 'met' : 'missed';

/** Every limit with what this run gave, as far as it measured it. */
export function verdicts(figures: Measured): readonly Verdict[] {
  return LIMITS.flatMap(({ name, unit, limit, rounds }) => {
    const numbers = rounds(figures);
    if (numbers === undefined) return [];
    const measured = spread(numbers);
    return [{ name, unit, limit, measured, outcome: outcomeOf(measured, limit) }];
  });
}
