import type { AuthzPolicySet, AuthzRequest } from '#model/authz.ts';
import { explainDecision } from '#policy/authz/reference.ts';
import { missText } from '../explain/miss.ts';
import { policyText } from '../explain/words.ts';

/** What a set of policies does with a request, and by which rule. */
export interface Outcome {
  readonly allowed: boolean;
  readonly decidedBy?: { readonly namespace: string; readonly name: string; readonly rule: number };
  readonly closed?: string;
  readonly nearest?: {
    readonly namespace: string;
    readonly name: string;
    readonly rule: number;
    readonly missed: readonly string[];
  };
}

export function outcomeOf(set: AuthzPolicySet, request: AuthzRequest, protocol: 'http' | 'tcp'): Outcome {
  const { decision, nearest } = explainDecision(set, request, { protocol });
  const near = set.policies.find(({ namespace, name }) => namespace === nearest?.namespace && name === nearest.name);
  const rule = near?.rules[nearest?.rule ?? -1];
  return {
    allowed: decision.allowed,
    ...(decision.policy === undefined ? {} : { decidedBy: decision.policy }),
    ...(set.closed === undefined ? {} : { closed: set.closed }),
    ...(nearest === undefined || rule === undefined
      ? {}
      : { nearest: { ...nearest, missed: nearest.missed.map((field) => missText(rule, field, request)) } }),
  };
}

/** `ALLOW app/web rule[0]`, `no rule allows it; nearest app/web rule[0] misses …`. */
export function outcomeText({ allowed, decidedBy, closed, nearest }: Outcome): string {
  if (closed !== undefined) return `DENY, closed: ${closed}`;
  if (decidedBy !== undefined) return `${allowed ? 'ALLOW' : 'DENY'} ${policyText(decidedBy)}`;
  if (allowed) return 'ALLOW, no ALLOW policy';
  if (nearest === undefined) return 'DENY, no rule allows it';
  return `DENY, no rule allows it; nearest ${policyText(nearest)} misses ${nearest.missed.join('; ')}`;
}
