import { AUTHZ_ALLOWS, AUTHZ_BODY, AUTHZ_CLOSED, AUTHZ_FLAGS, AUTHZ_FORMAT, AUTHZ_SINGLE_LINES } from '#abi/authz.ts';
import { FEATURE_AUTHZ } from '#abi/program.ts';
import type { AuthzPolicy, AuthzPolicySet } from '#model/authz.ts';
import { ProgramWriter } from '../writer.ts';
import { Attributes } from './attribute.ts';
import { ruleFactors, type AuthzTarget, type Factor, type RuleContext } from './conjunct.ts';
import { RuleIndex } from './rule-index.ts';
import { countValues, planRule } from './plan.ts';

export type { AuthzTarget } from './conjunct.ts';

/**
 * Compiles what decides about one service port to the program that the authorization filter runs (its layout is in
 * filters/abi/authz.ts). Undefined: there are no policies, and nothing to enforce. Deterministic. A closed set becomes a
 * program that denies everything.
 */
export function compileAuthz(set: AuthzPolicySet, target: AuthzTarget): Uint8Array<ArrayBuffer> | undefined {
  if (set.closed !== undefined) return closedProgram(set.closed);
  if (set.policies.length === 0) return undefined;
  const attributes = new Attributes();
  const deny = rulesOf(set.policies, { action: 'DENY', target, attributes });
  const allow = rulesOf(set.policies, { action: 'ALLOW', target, attributes });
  for (const { factors } of deny) countValues(factors);
  for (const { factors } of allow) countValues(factors);

  const index = new RuleIndex(attributes);
  for (const [action, rules] of [
    ['DENY', deny],
    ['ALLOW', allow],
  ] as const) {
    for (const { policy, index: number, factors } of rules) {
      index.add(action, planRule(index.rule(policy, number), factors));
    }
  }
  const allows = set.policies.some(({ action }) => action === 'ALLOW') ? AUTHZ_ALLOWS : 0;
  return index.write(set.policies, target.singleLines ? allows | AUTHZ_SINGLE_LINES : allows);
}

interface PossibleRule {
  readonly policy: number;
  readonly index: number;
  readonly factors: readonly Factor[];
}

/** The rules of an action that can hold for some request to the target, in the order of evaluation. */
function rulesOf(policies: readonly AuthzPolicy[], context: RuleContext): readonly PossibleRule[] {
  const rules: PossibleRule[] = [];
  for (const [policy, { rules: its, action }] of policies.entries()) {
    if (action !== context.action) continue;
    for (const [index, rule] of its.entries()) {
      const factors = ruleFactors(rule, context);
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
