import type { AuthzPolicy } from '#model/authz.ts';
import type { Attributes } from './attribute.ts';
import { ruleFactors, type Factor, type RuleContext } from './conjunct.ts';
import { countValues, planRule } from './plan.ts';
import { routeFactors } from './route-clause.ts';
import { RuleIndex } from './rule-index.ts';

export interface PossibleRule {
  readonly policy: number;
  readonly index: number;
  readonly factors: readonly Factor[];
}

/** The rules of some policies that can hold for some request to the target, in the order of evaluation. */
export function rulesOf(
  policies: readonly AuthzPolicy[],
  counts: (policy: AuthzPolicy) => boolean,
  context: RuleContext,
): readonly PossibleRule[] {
  const rules: PossibleRule[] = [];
  for (const [policy, one] of policies.entries()) {
    if (!counts(one)) continue;
    const route = routeFactors(one, context);
    if (route === undefined) continue;
    for (const [index, rule] of one.rules.entries()) {
      const factors = ruleFactors(rule, context);
      if (factors) rules.push({ policy, index, factors: route.length === 0 ? factors : [...factors, ...route] });
    }
  }
  return rules;
}

/** Gathers groups of rules that are asked for apart. */
export function indexRules(attributes: Attributes, sections: readonly (readonly PossibleRule[])[]): RuleIndex {
  for (const rules of sections) for (const { factors } of rules) countValues(factors);
  const index = new RuleIndex(attributes, sections.length);
  for (const [section, rules] of sections.entries()) {
    for (const { policy, index: number, factors } of rules) {
      index.add(section, planRule(index.rule(policy, number), factors));
    }
  }
  return index;
}
