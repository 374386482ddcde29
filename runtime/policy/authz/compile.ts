import { AUTHZ_ALLOWS, AUTHZ_BODY, AUTHZ_CLOSED, AUTHZ_FLAGS, AUTHZ_FORMAT } from '#abi/authz.ts';
import { FEATURE_AUTHZ } from '#abi/program.ts';
import type { AuthzPolicy, AuthzPolicySet } from '#model/authz.ts';
import { ProgramWriter } from '../writer.ts';
import { ruleFactors, type Action, type AuthzTarget, type Factor } from './conjunct.ts';
import { RuleIndex } from './rule-index.ts';
import { planRule, Popularity } from './plan.ts';

export type { AuthzTarget } from './conjunct.ts';

/**
 * Compiles what decides about one service port to the program that the authorization filter runs (its layout is in
 * filters/abi/authz.ts). Undefined: there are no policies, and nothing to enforce. Deterministic. A closed set becomes a
 * program that denies everything.
 */
export function compileAuthz(set: AuthzPolicySet, target: AuthzTarget): Uint8Array<ArrayBuffer> | undefined {
  if (set.closed !== undefined) return closedProgram(set.closed);
  if (set.policies.length === 0) return undefined;
  const deny = rulesOf(set.policies, 'DENY', target);
  const allow = rulesOf(set.policies, 'ALLOW', target);
  const popularity = new Popularity();
  for (const { factors } of deny) popularity.add(factors);
  for (const { factors } of allow) popularity.add(factors);

  const index = new RuleIndex(popularity);
  for (const action of ['DENY', 'ALLOW'] as const) {
    for (const { policy, index: number, factors } of action === 'DENY' ? deny : allow) {
      const rule = index.rule(policy, number);
      index.add(action, planRule(rule, factors, popularity));
    }
  }
  const flags = set.policies.some(({ action }) => action === 'ALLOW') ? AUTHZ_ALLOWS : 0;
  return index.write(set.policies, flags);
}

interface PossibleRule {
  readonly policy: number;
  readonly index: number;
  readonly factors: readonly Factor[];
}

/** The rules of an action that can hold for some request to the target, in the order of evaluation. */
function rulesOf(policies: readonly AuthzPolicy[], action: Action, target: AuthzTarget): readonly PossibleRule[] {
  const rules: PossibleRule[] = [];
  for (const [policy, { rules: its, action: itsAction }] of policies.entries()) {
    if (itsAction !== action) continue;
    for (const [index, rule] of its.entries()) {
      const factors = ruleFactors(rule, action, target);
      if (factors) rules.push({ policy, index, factors });
    }
  }
  return rules;
}

function closedProgram(reason: string): Uint8Array<ArrayBuffer> {
  const writer = new ProgramWriter();
  writer.reserve(AUTHZ_BODY - writer.size);
  writer.setU32(AUTHZ_FLAGS, AUTHZ_CLOSED);
  writer.text(reason);
  return writer.finish(FEATURE_AUTHZ, AUTHZ_FORMAT, AUTHZ_CLOSED);
}
