import type { AuthzPolicySet } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { ServicePort } from '#model/waypoint.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import type { InvalidResource } from '#resources/resource.ts';
import { readPolicy, type Enforcement, type ReadPolicy } from './authorization-policy.ts';
import { targetsOf, targetsOfInvalid, type Target } from './authz-target.ts';
import { condition, resourceStatus } from './condition.ts';
import { keyOf, push } from './inventory.ts';
import { Memo, step } from './memo.ts';
import { attach, statusOf, workloadFindings, type Attachment, type Surroundings } from './policy-status.ts';
import { compare } from './route-order.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/** A policy in force somewhere. */
interface Enforcer {
  readonly namespace: string;
  readonly name: string;
  readonly enforcement: Exclude<Enforcement, { kind: 'ignore' }>;
}

export interface Policies {
  /** All that decides about a port of a service behind a waypoint; the same set while its policies are the same. */
  ofPort(key: string, service: string, waypoint: WaypointGateway, protocol: ServicePort['protocol']): AuthzPolicySet;
  /** What decides about traffic to the workloads of a waypoint. */
  ofWorkloads(waypoint: WaypointGateway): AuthzPolicySet;
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
}

const open: AuthzPolicySet = { policies: [] };
const nobody: readonly Enforcer[] = [];

/** Makes the step that attaches AuthorizationPolicies to what they target. */
export function createPolicies(): (
  all: readonly AuthorizationPolicy[],
  invalid: readonly InvalidResource[],
  around: Surroundings,
) => Policies {
  const read = new WeakMap<AuthorizationPolicy, ReadPolicy & { readonly enforcer: Enforcer | undefined }>();
  const attachments = new Memo<readonly Attachment[]>();
  const reports = new Memo<{ readonly status: ResourceStatus; readonly findings: readonly Finding[] }>();
  const sets = new Memo<AuthzPolicySet>();

  const readOnce = (resource: AuthorizationPolicy) => {
    let value = read.get(resource);
    if (value === undefined) {
      const policy = readPolicy(resource);
      value = { ...policy, enforcer: enforcerOf(resource.metadata, policy.enforcement) };
      read.set(resource, value);
    }
    return value;
  };

  const index = step(
    (all: readonly AuthorizationPolicy[], invalid: readonly InvalidResource[], around: Surroundings) => {
      const byTarget = new Map<string, Enforcer[]>();
      const findings: Finding[] = [];
      const statuses: ResourceStatus[] = [];
      for (const resource of all) {
        const { enforcer, enforcement, findings: own } = readOnce(resource);
        findings.push(...own);
        const targets = targetsOf(resource);
        if (targets.length === 0) {
          findings.push(...workloadFindings(resource, enforcement));
          continue;
        }
        const key = keyOf(resource);
        const found = attachments.get(key, [resource, ...around.lookUp(resource, targets)], () =>
          attach(resource, targets, around),
        );
        const report = reports.get(key, [resource, found], () => statusOf(resource, found, enforcement));
        findings.push(...report.findings);
        statuses.push(report.status);
        if (enforcer === undefined) continue;
        for (const { target, accepted } of found) if (accepted) push(byTarget, target, enforcer);
      }
      for (const resource of invalid) {
        if (resource.ref.kind !== 'AuthorizationPolicy') continue;
        const enforcer: Enforcer = { ...resource.ref, enforcement: { kind: 'close', reason: 'it is not valid' } };
        for (const target of targetKeys(resource, around)) push(byTarget, target, enforcer);
        const message = 'The policy is not valid; its targets deny every request until it is corrected';
        const conditions = [condition('WaypointAccepted', false, 'Invalid', message)];
        statuses.push(resourceStatus(resource.ref, { conditions }));
        findings.push(invalidFinding(resource));
      }
      attachments.sweep();
      reports.sweep();
      return { byTarget, findings, statuses };
    },
  );

  return (all, invalid, around) => {
    // Sets are asked for after this step, so what the last translation did not ask for goes now.
    sets.sweep();
    const { byTarget, findings, statuses } = index(all, invalid, around);
    const of = (target: string): readonly Enforcer[] => byTarget.get(target) ?? nobody;
    const ofWaypoint = ({ gateway, key }: WaypointGateway): readonly Enforcer[] => [
      ...of(`GatewayClass/${gateway.spec.gatewayClassName}`),
      ...of(`Gateway/${key}`),
      ...of(`Namespace/${gateway.metadata.namespace}`),
    ];
    const set = (key: string, enforcers: readonly Enforcer[], protocol: ServicePort['protocol']): AuthzPolicySet =>
      enforcers.length === 0 ? open : sets.get(key, [protocol, ...enforcers], () => policySet(enforcers, protocol === 'tcp'));
    return {
      ofPort(key, service, waypoint, protocol) {
        const namespace = service.slice(0, service.indexOf('/'));
        const enforcers = [...ofWaypoint(waypoint), ...of(`Service/${service}`)];
        if (namespace !== waypoint.gateway.metadata.namespace) enforcers.push(...of(`Namespace/${namespace}`));
        return set(key, enforcers, protocol);
      },
      ofWorkloads: (waypoint) => set(`workloads ${waypoint.key}`, ofWaypoint(waypoint), 'detect'),
      findings,
      statuses,
    };
  };
}

function enforcerOf(metadata: { readonly namespace: string; readonly name: string }, enforcement: Enforcement) {
  const { namespace, name } = metadata;
  return enforcement.kind === 'ignore' ? undefined : { namespace, name, enforcement };
}

/** One policy may come by several ways (its service and its waypoint), and counts once. */
function policySet(enforcers: readonly Enforcer[], tcp: boolean): AuthzPolicySet {
  const unique = [...new Set(enforcers)].sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
  const policies = unique.flatMap(({ enforcement }) =>
    enforcement.kind === 'enforce' ? [tcp ? enforcement.tcp : enforcement.policy] : [],
  );
  const ordered = [
    ...policies.filter(({ action }) => action === 'DENY'),
    ...policies.filter(({ action }) => action === 'ALLOW'),
  ];
  const reasons = unique.flatMap(({ namespace, name, enforcement }) =>
    enforcement.kind === 'close' ? [`AuthorizationPolicy ${namespace}/${name}: ${enforcement.reason}`] : [],
  );
  return reasons.length === 0 ? { policies: ordered } : { policies: ordered, closed: reasons.join('; ') };
}

/** Namespaces are checked as for valid policies, so that a broken policy closes nothing that it could not have. */
function targetKeys(resource: InvalidResource, around: Surroundings): readonly string[] {
  const { namespace } = resource.ref;
  const targets = targetsOfInvalid(resource);
  if (targets === 'unknown') return [`Namespace/${namespace}`];
  return targets.flatMap(({ kind, name }: Target) =>
    kind !== 'GatewayClass' ? [`${kind}/${namespace}/${name}`] : namespace === around.rootNamespace ? [`GatewayClass/${name}`] : [],
  );
}

function invalidFinding({ ref, raw }: InvalidResource): Finding {
  const targets = targetsOfInvalid({ ref, raw, findings: [] });
  return {
    code: 'PTL1301',
    level: 'error',
    resource: ref,
    path: '',
    message: `AuthorizationPolicy ${ref.name} is not valid, and there is no earlier version that is`,
    effect:
      targets === 'unknown'
        ? `every service of namespace ${ref.namespace} behind a waypoint denies every request`
        : targets.length === 0
          ? 'it is not enforced here; ztunnel enforces policies without targetRefs'
          : 'its targets deny every request',
    next: 'correct the errors above, or remove the policy',
  };
}
