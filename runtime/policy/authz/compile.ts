import { AUTHZ_ALLOWS, AUTHZ_BODY, AUTHZ_CLOSED, AUTHZ_FLAGS, AUTHZ_FORMAT } from '#abi/authz.ts';
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
  const tcp = target.protocol === 'tcp';
  const policies = tcp ? set.policies : set.policies.filter(({ action }) => action !== 'CUSTOM');
  if (policies.length === 0) return undefined;
  const attributes = new Attributes();
  // Nobody can be asked about a connection, so what a CUSTOM rule matches is denied.
  const deny = rulesOf(policies, ({ action }) => action === 'DENY' || action === 'CUSTOM', {
    action: 'DENY',
    target,
    attributes,
  });
  const allow = rulesOf(policies, ({ action }) => action === 'ALLOW', { action: 'ALLOW', target, attributes });
  const index = indexRules(attributes, [deny, allow]);
  return index.write(policies, policies.some(({ action }) => action === 'ALLOW') ? AUTHZ_ALLOWS : 0);
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
    for (const [index, rule] of one.rules.entries()) {
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
