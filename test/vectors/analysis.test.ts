import { describe, expect, test } from 'vitest';
import type { AuthzPolicySet } from '#model/authz.ts';
import { compare } from '#policy/analysis/difference.ts';
import { flawsOf, type RuleFlaws } from '#policy/analysis/flaw.ts';
import { decide } from '#policy/authz/reference.ts';
import { Dice } from './dice.ts';
import { allRequests, attributes, changed, FEW_TARGET, fewPolicies } from './few-values.ts';

// The analysis against brute force: on sets that are made of few values, every request that these can tell apart is
// tried. What is found without limits must be all that there is.
//
//   PORTOLAN_ANALYSIS=10000   how many cases
//   PORTOLAN_SEED=12345       the seed of a run that failed, as it was printed

const CASES = Number(process.env['PORTOLAN_ANALYSIS'] ?? 80);
const SEED = Number(process.env['PORTOLAN_SEED'] ?? Date.now() % 1_000_000_000);

describe('what two sets decide differently', () => {
  test(`${CASES} cases, seed ${SEED}`, { timeout: 60_000 + CASES * 100 }, () => {
    console.log(`analysis: PORTOLAN_SEED=${SEED} PORTOLAN_ANALYSIS=${CASES}`);
    let differing = 0;
    for (let number = 0; number < CASES; number++) {
      const dice = new Dice(SEED + number * 0x9e3779b1);
      const of = attributes(dice);
      const before = fewPolicies(dice, of);
      const after = changed(dice, before, of);
      const { differences, limits } = compare(before, after, FEW_TARGET);
      const say = (what: string): string =>
        `seed ${SEED}, case ${number}: ${what}\n${JSON.stringify({ of, before, after, differences, limits }, undefined, 1)}`;
      if (limits.length > 0) throw new Error(say('a limit was met'));
      const kinds = new Set(differences.map(({ before: old }) => old.allowed));
      for (const request of allRequests(of)) {
        const [old, now] = [before, after].map((set) => decide(set, request, FEW_TARGET));
        if (old!.allowed === now!.allowed || kinds.has(old!.allowed)) continue;
        throw new Error(say(`not found: ${JSON.stringify(request)}`));
      }
      differing += differences.length > 0 ? 1 : 0;
      for (const { request, ...decided } of differences) {
        const [old, now] = [before, after].map((set) => decide(set, request, FEW_TARGET));
        expect(decided).toEqual({ before: old, after: now });
        expect(old!.allowed).not.toBe(now!.allowed);
      }
    }
    expect(differing / CASES).toBeGreaterThan(0.2);
    expect(differing / CASES).toBeLessThan(0.95);
  });
});

describe('flaws of rules', () => {
  test(`${CASES} cases, seed ${SEED}`, { timeout: 60_000 + CASES * 100 }, () => {
    let found = 0;
    for (let number = 0; number < CASES; number++) {
      const dice = new Dice(SEED + number * 0x85ebca6b);
      const of = attributes(dice);
      const set = fewPolicies(dice, of, 4);
      const flaws = flawsOf(set, FEW_TARGET, { left: 1_000_000 });
      if (flaws === undefined) throw new Error(`seed ${SEED}, case ${number}: not told apart`);
      const mended = without(set, flaws);
      found += flaws.filter((one) => one.flaws.length > 0).length;
      for (const request of allRequests(of)) {
        const [as, then] = [set, mended].map((one) => decide(one, request, FEW_TARGET));
        if (as!.allowed === then!.allowed) continue;
        const shown = JSON.stringify({ of, set, flaws, request }, undefined, 1);
        throw new Error(`seed ${SEED}, case ${number}: a false alarm\n${shown}`);
      }
    }
    expect(found).toBeGreaterThan(CASES / 8);
  });
});

/** The set without everything that is said to be of no use, all at once. */
function without(set: AuthzPolicySet, flaws: readonly RuleFlaws[]): AuthzPolicySet {
  return {
    policies: set.policies.map((policy) => ({
      ...policy,
      rules: policy.rules.flatMap((rule, index) => {
        const own = flaws.find((one) => one.policy === policy && one.rule === index)?.flaws ?? [];
        if (own.some(({ kind }) => kind === 'rule' || kind === 'covered')) return [];
        const idle = (part: string) => (_: unknown, at: number) =>
          !own.some((flaw) => flaw.kind === 'alternative' && flaw.at.startsWith(`${part}[${at}]`));
        return [{ ...rule, from: rule.from.filter(idle('from')), to: rule.to.filter(idle('to')) }];
      }),
    })),
  };
}
