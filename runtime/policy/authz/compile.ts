import { AUTHZ_ALLOWS, AUTHZ_BODY, AUTHZ_CLOSED, AUTHZ_FLAGS, AUTHZ_FORMAT } from '#abi/authz.ts';
import { FEATURE_AUTHZ } from '#abi/program.ts';
import type { AuthzPolicy, AuthzPolicySet } from '#model/authz.ts';
import { ProgramWriter } from '../writer.ts';
import { Attributes } from './attribute.ts';
import { ruleFactors, type AuthzTarget, type Factor, type RuleContext } from './conjunct.ts';
import { RuleIndex } from './rule-index.ts';
import { countValues, planRule } from './plan.ts';
import { OTHER_ROUTES, otherRoutes, routeFactors } from './route-clause.ts';

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
  const others = otherRoutes(set.policies, { action: 'ALLOW', target, attributes });
  const policies = others === undefined ? set.policies : [...set.policies, OTHER_ROUTES];
  if (others !== undefined) allow.push({ policy: set.policies.length, index: 0, factors: others });
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
  return index.write(policies, set.policies.some(({ action }) => action === 'ALLOW') ? AUTHZ_ALLOWS : 0);
}

interface PossibleRule {
  readonly policy: number;
  readonly index: number;
  readonly factors: readonly Factor[];
}

/** The rules of an action that can hold for some request to the target, in the order of evaluation. */
function rulesOf(policies: readonly AuthzPolicy[], context: RuleContext): PossibleRule[] {
  const rules: PossibleRule[] = [];
  for (const [policy, each] of policies.entries()) {
    if (each.action !== context.action) continue;
    const route = routeFactors(each, context);
    if (route === undefined) continue;
    for (const [index, rule] of each.rules.entries()) {
      const factors = ruleFactors(rule, context);
      if (factors) rules.push({ policy, index, factors: route.length === 0 ? factors : [...factors, ...route] });
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
