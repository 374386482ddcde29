import type { AskedProvider, AuthzDecision, AuthzPolicy, AuthzPolicySet, AuthzRequest } from '#model/authz.ts';
import { type ReferenceTarget, ruleParts } from './rule-check.ts';
import { pathSpellings } from './spelling.ts';

export type { ReferenceTarget } from './rule-check.ts';

// What authorization policies mean. Written to be read, not to be fast: the program and the filter that runs it are
// right when they decide as this does (test/vectors). The meaning is Istio's, with deliberate exceptions that all refuse
// more: a namespace that stands elsewhere in an identity (`namespaceHolds` of rule-check.ts), and other spellings of a
// path and of a host (spelling.ts).

/**
 * Decides about a request. DENY comes before ALLOW; the first rule that holds, in the order of the set, is named. It
 * must be allowed in every spelling of its path; the first that is denied, or else the one that was sent, says by what.
 */
export function decide(set: AuthzPolicySet, request: AuthzRequest, target: ReferenceTarget): AuthzDecision {
  const [decision] = judged(set, request, target);
  return decision;
}

/** The decision, and the spelling of the path by which it was made. */
function judged(
  set: AuthzPolicySet,
  request: AuthzRequest,
  target: ReferenceTarget,
): readonly [decision: AuthzDecision, path: string] {
  const decisions = pathSpellings(request.path).map((path) => [decideAs(path, set, request, target), path] as const);
  return decisions.find(([{ allowed }]) => !allowed) ?? decisions[0] ?? [{ allowed: false }, request.path];
}

function decideAs(path: string, set: AuthzPolicySet, request: AuthzRequest, target: ReferenceTarget): AuthzDecision {
  // A policy that could not be understood closes the target.
  if (set.closed !== undefined) return { allowed: false };
  return decideAmong(path, policiesOf(set, request, target), request, target);
}

/** The policies that are about a request: for one on another route it is as if a route's policies did not exist. */
export function policiesOf(
  { policies }: AuthzPolicySet,
  request: AuthzRequest,
  target: ReferenceTarget,
): AuthzPolicies {
  if (policies.every(({ routes }) => routes === undefined)) return policies;
  if (target.protocol === 'http') {
    return policies.filter(({ routes }) => routes === undefined || routes.includes(request.route ?? ''));
  }
  // A connection may carry requests of any route: what is allowed on one of them is not yet allowed.
  return policies.map((policy) =>
    policy.routes !== undefined && policy.action === 'ALLOW' ? { ...policy, rules: [] } : policy,
  );
}

type AuthzPolicies = readonly AuthzPolicy[];

function decideAmong(
  path: string,
  policies: AuthzPolicies,
  request: AuthzRequest,
  target: ReferenceTarget,
): AuthzDecision {
  // Any rule of any DENY policy denies.
  // (About a connection nobody can be asked, so there a CUSTOM rule denies too.)
  const denied = firstRule(
    policies,
    ({ action }) => action === 'DENY' || (action === 'CUSTOM' && target.protocol === 'tcp'),
    request,
    target,
    path,
  );
  if (denied) return { allowed: false, policy: denied };
  // Without ALLOW policies everything else is allowed.
  if (!policies.some(({ action }) => action === 'ALLOW')) return { allowed: true };
  // With them, any rule of any ALLOW policy must hold. (A policy without rules has none that could.)
  const allowed = firstRule(policies, ({ action }) => action === 'ALLOW', request, target, path);
  return allowed ? { allowed: true, policy: allowed } : { allowed: false };
}

/**
 * Whom a request is put to before `decide`: every provider of which a CUSTOM rule holds, sorted by name, with the first
 * rule that does. Each has a veto; what they allow is still decided about.
 */
export function customProviders(
  set: AuthzPolicySet,
  request: AuthzRequest,
  target: ReferenceTarget,
): readonly AskedProvider[] {
  // What is denied anyway is put to nobody.
  if (set.closed !== undefined || target.protocol === 'tcp') return [];
  const policies = policiesOf(set, request, target);
  const names = new Set(policies.flatMap(({ action, provider }) => (action === 'CUSTOM' ? [provider ?? ''] : [])));
  return [...names].sort().flatMap((provider) => {
    const asks = (each: AuthzPolicy): boolean => each.action === 'CUSTOM' && each.provider === provider;
    // One that holds in any spelling of the path asks.
    for (const path of pathSpellings(request.path)) {
      const policy = firstRule(policies, asks, request, target, path);
      if (policy) return [{ provider, policy }];
    }
    return [];
  });
}

type DecidingRule = NonNullable<AuthzDecision['policy']>;

function firstRule(
  policies: AuthzPolicies,
  counts: (policy: AuthzPolicy) => boolean,
  request: AuthzRequest,
  target: ReferenceTarget,
  path: string,
): DecidingRule | undefined {
  for (const policy of policies) {
    if (!counts(policy)) continue;
    for (const [index, rule] of policy.rules.entries()) {
      // All parts; of each part any alternative; of an alternative all checks.
      const holds = ruleParts(rule, policy, request, target, path).every((alternatives) =>
        alternatives.some((checks) => checks.every((check) => check.holds)),
      );
      if (holds) return { namespace: policy.namespace, name: policy.name, rule: index };
    }
  }
  return undefined;
}

/** An ALLOW rule that did not hold, and what it would have taken. */
export interface NearestRule {
  readonly namespace: string;
  readonly name: string;
  readonly rule: number;
  /** Clauses that failed, by their path in the rule: `from[0].principals`. Never empty. */
  readonly missed: readonly string[];
}

export interface Explanation {
  readonly decision: AuthzDecision;
  /** For a denial because no ALLOW rule held: the rule that came nearest, by how few of its clauses failed. */
  readonly nearest?: NearestRule;
}

/**
 * Decides, and for a request that no rule allows names the rule that nearly did. Among equally near ones the first in
 * the order of the set; among a rule's alternatives the one that fails least.
 */
export function explainDecision(set: AuthzPolicySet, request: AuthzRequest, target: ReferenceTarget): Explanation {
  const [decision, path] = judged(set, request, target);
  if (decision.allowed || decision.policy || set.closed !== undefined) return { decision };
  let nearest: NearestRule | undefined;
  for (const policy of policiesOf(set, request, target)) {
    if (policy.action !== 'ALLOW') continue;
    for (const rule of policy.rules.keys()) {
      const missed = missedBy(policy, rule, request, target, path);
      if (nearest && nearest.missed.length <= missed.length) continue;
      nearest = { namespace: policy.namespace, name: policy.name, rule, missed };
    }
  }
  return nearest ? { decision, nearest } : { decision };
}

/** The failing clauses of a rule, taking of every part the alternative that fails least. */
function missedBy(
  policy: AuthzPolicy,
  index: number,
  request: AuthzRequest,
  target: ReferenceTarget,
  path: string,
): string[] {
  const rule = policy.rules[index];
  if (!rule) return [];
  return ruleParts(rule, policy, request, target, path).flatMap((alternatives) => {
    const failing = alternatives.map((checks) => checks.filter((check) => !check.holds).map((check) => check.field));
    return failing.reduce((best, next) => (next.length < best.length ? next : best));
  });
}
