import { beforeAll, describe, expect, test } from 'vitest';
import { decide } from '#policy/authz/reference.ts';
import { BUILDS, loadFilter } from '../filters/load.ts';
import { Dice } from './dice.ts';
import { asReceived, AuthzFilter } from './filter.ts';
import { type Case, generateCase } from './generate.ts';
import { type Disagreement, shrink } from './shrink.ts';

// Random policies and requests through the filter, compiled, and through the reference: they must decide alike, and
// name the same rule for a denial.
//
//   PORTOLAN_DIFFERENTIAL=1000000   how many pairs
//   PORTOLAN_SEED=12345             the seed of a run that failed, as it was printed

const PAIRS = Number(process.env.PORTOLAN_DIFFERENTIAL ?? 20_000);
const SEED = Number(process.env.PORTOLAN_SEED ?? Date.now() % 1_000_000_000);
const REQUESTS = 20;
const SHAPE = { odd: true, most: 200 };

describe.each(BUILDS)('the filter decides as the reference (%s)', (build) => {
  let filter: AuthzFilter;

  beforeAll(async () => {
    filter = await AuthzFilter.load(loadFilter('authz', build));
  });

  test(`${PAIRS} pairs, seed ${SEED}`, { timeout: 30_000 + PAIRS * 2 }, () => {
    console.log(`differential (${build}): PORTOLAN_SEED=${SEED} PORTOLAN_DIFFERENTIAL=${PAIRS}`);
    let denied = 0;
    for (let number = 0; number * REQUESTS < PAIRS; number++) {
      const dice = new Dice(SEED + number * 0x9e3779b1);
      const made = generateCase(dice, REQUESTS, SHAPE);
      const target = dice.chance(70) ? made : undefined;
      const explains = dice.chance(50);
      filter.use(made.set, target, explains);
      for (const request of made.requests) {
        const expected = decide(made.set, asReceived(request), { protocol: 'http' });
        const came = filter.decide(request);
        denied += came.allowed ? 0 : 1;
        if (!alike(came, expected)) fail(made, { set: made.set, request }, target, number, explains);
      }
    }
    // A generator that made one verdict only would prove nothing.
    expect(denied / PAIRS).toBeGreaterThan(0.2);
    expect(denied / PAIRS).toBeLessThan(0.8);
  });

  function fail(
    made: Case,
    disagreement: Disagreement,
    target: Case | undefined,
    number: number,
    explains: boolean,
  ): never {
    const smallest = shrink(disagreement, ({ set, request }) => {
      filter.use(set, target, explains);
      return !alike(filter.decide(request), decide(set, asReceived(request), { protocol: 'http' }));
    });
    filter.use(smallest.set, target, explains);
    const verdicts = {
      filter: filter.decide(smallest.request),
      reference: decide(smallest.set, asReceived(smallest.request), { protocol: 'http' }),
    };
    const where = target ? `port ${made.port} of ${made.address}` : 'no target';
    const shown = JSON.stringify({ ...verdicts, ...smallest }, null, 2);
    throw new Error(`seed ${SEED}, case ${number}, ${where}: the filter and the reference disagree\n${shown}`);
  }
});

type Decision = ReturnType<typeof decide>;

/** A filter that does not explain does not say which rule allowed. */
function alike(came: Decision, expected: Decision): boolean {
  if (came.allowed !== expected.allowed) return false;
  if (came.allowed && !came.policy) return true;
  return JSON.stringify(came.policy) === JSON.stringify(expected.policy);
}
