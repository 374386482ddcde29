import type { Backend } from '#model/backend.ts';
import type { Finding } from '#model/finding.ts';
import type { DestinationRule } from '#resources/destination-rule.ts';
import { refOf } from './condition.ts';
import { milliseconds } from './duration.ts';
import type { Labels } from './label-selector.ts';

type TrafficPolicy = NonNullable<DestinationRule['spec']['trafficPolicy']>;

/** What the DestinationRules of one host say together. */
export interface Destination {
  readonly policy: BackendPolicy;
  readonly subsets: ReadonlyMap<string, Subset>;
  /** Who defined the subsets, for messages. */
  readonly rules: readonly DestinationRule[];
  readonly findings: readonly Finding[];
}

export interface Subset {
  readonly labels: Labels;
  readonly policy: BackendPolicy;
}

export interface BackendPolicy {
  readonly loadBalancer?: Backend['loadBalancer'];
  readonly connectTimeoutMs?: number;
}

/** Istio's default for a cluster that no DestinationRule speaks of. */
export const defaultPolicy = { loadBalancer: 'LEAST_REQUEST', connectTimeoutMs: 10_000 } as const;

/**
 * Merges the rules of one host as Istio does: the oldest that has a policy gives it, subsets are collected, and the
 * first of two subsets with one name stands. `rules` are of one namespace and one host, the oldest first.
 */
export function mergeDestinationRules(rules: readonly DestinationRule[]): Destination {
  const findings: Finding[] = [];
  const subsets = new Map<string, Subset>();
  const first = rules.find(({ spec }) => spec.trafficPolicy !== undefined);
  const policy = first === undefined ? {} : policyOf(first, first.spec.trafficPolicy, 'spec.trafficPolicy', findings);
  for (const rule of rules) {
    if (rule.spec.trafficPolicy !== undefined && rule !== first) findings.push(ignoredPolicy(rule, first!));
    (rule.spec.subsets ?? []).forEach((subset, index) => {
      const path = `spec.subsets[${index}]`;
      if (subsets.has(subset.name)) findings.push(ignoredSubset(rule, path, subset.name));
      else {
        const own = policyOf(rule, subset.trafficPolicy, `${path}.trafficPolicy`, findings);
        subsets.set(subset.name, { labels: subset.labels ?? {}, policy: { ...policy, ...own } });
      }
    });
  }
  return { policy, subsets, rules, findings };
}

const simple: Readonly<Record<string, Backend['loadBalancer']>> = {
  UNSPECIFIED: 'LEAST_REQUEST',
  LEAST_CONN: 'LEAST_REQUEST',
  LEAST_REQUEST: 'LEAST_REQUEST',
  ROUND_ROBIN: 'ROUND_ROBIN',
  RANDOM: 'RANDOM',
};

function policyOf(
  rule: DestinationRule,
  policy: TrafficPolicy | undefined,
  path: string,
  findings: Finding[],
): BackendPolicy {
  const name = policy?.loadBalancer?.simple;
  const loadBalancer = name === undefined ? undefined : simple[name];
  if (name !== undefined && loadBalancer === undefined) findings.push(unsupportedBalancer(rule, path, name));
  const timeout = policy?.connectionPool?.tcp?.connectTimeout;
  const connectTimeoutMs = timeout === undefined ? undefined : milliseconds(timeout);
  return {
    ...(loadBalancer === undefined ? {} : { loadBalancer }),
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
  };
}

function unsupportedBalancer(rule: DestinationRule, path: string, came: string): Finding {
  return {
    code: 'PTL1506',
    level: 'warning',
    resource: refOf(rule),
    path: `${path}.loadBalancer.simple`,
    message: `load balancer "${came}" is not supported`,
    expected: 'LEAST_REQUEST, ROUND_ROBIN or RANDOM',
    came,
    effect: 'LEAST_REQUEST is used',
    next: 'set loadBalancer.simple: LEAST_REQUEST',
  };
}

function ignoredPolicy(rule: DestinationRule, first: DestinationRule): Finding {
  return {
    code: 'PTL1405',
    level: 'warning',
    resource: refOf(rule),
    path: 'spec.trafficPolicy',
    message: `DestinationRule ${first.metadata.name} already sets the trafficPolicy of "${rule.spec.host}"`,
    expected: 'one trafficPolicy a host',
    effect: 'this trafficPolicy is not used; the older one stands',
    next: `move it to DestinationRule ${first.metadata.namespace}/${first.metadata.name}`,
  };
}

function ignoredSubset(rule: DestinationRule, path: string, name: string): Finding {
  return {
    code: 'PTL1405',
    level: 'warning',
    resource: refOf(rule),
    path,
    message: `subset "${name}" of "${rule.spec.host}" is defined already`,
    expected: 'a name that no other subset of the host has',
    came: name,
    effect: 'this subset is not used; the first one stands',
    next: 'rename the subset or remove it',
  };
}
