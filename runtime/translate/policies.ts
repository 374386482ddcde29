import type { AuthzPolicySet } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { ServicePort } from '#model/waypoint.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import type { InvalidResource } from '#resources/resource.ts';
import { readPolicy, type Enforcement } from './authorization-policy.ts';
import { targetsOf } from './authz-target.ts';
import { push } from './inventory.ts';
import { readInvalidPolicy } from './invalid-policy.ts';
import { type Memo, none, ResourceMemo, step } from './memo.ts';
import { attach, type AttachedTo, statusOf, type Surroundings, workloadFindings } from './policy-status.ts';
import { compare } from './route-order.ts';
import type { KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/** A policy in force somewhere. */
export interface Enforcer {
  readonly namespace: string;
  readonly name: string;
  readonly enforcement: Exclude<Enforcement, { kind: 'ignore' }>;
}

export interface Policies {
  /** All that decides about a service behind a waypoint. */
  ofService(service: KnownService, waypoint: WaypointGateway): readonly Enforcer[];
  /** All that decides about traffic to the workloads of a waypoint. */
  ofWaypoint(waypoint: WaypointGateway): readonly Enforcer[];
  /** Those as the model has them; the same set while they are the same. */
  setOf(
    memo: Memo<AuthzPolicySet>,
    key: string,
    enforcers: readonly Enforcer[],
    protocol: ServicePort['protocol'],
  ): AuthzPolicySet;
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
}

/** What is remembered of one policy: it holds as long as its targets stay what they are. */
interface Attached {
  readonly enforcer: Enforcer | undefined;
  readonly to: readonly AttachedTo[];
  readonly status: ResourceStatus | undefined;
  readonly findings: readonly Finding[];
}

/** Makes the step that attaches AuthorizationPolicies to what they target. */
export function createPolicies(): (
  all: readonly AuthorizationPolicy[],
  invalid: readonly InvalidResource[],
  around: Surroundings,
) => Policies {
  const memo = new ResourceMemo<Attached>();
  return step((all, invalid, around) => {
    const byService = new Map<KnownService, Enforcer[]>();
    const byWaypoint = new Map<string, Enforcer[]>();
    const byClass = new Map<string, Enforcer[]>();
    const byNamespace = new Map<string, Enforcer[]>();
    const findings: Finding[] = [];
    const statuses: ResourceStatus[] = [];
    const add = (to: AttachedTo, enforcer: Enforcer): void => {
      if (to.kind === 'service') push(byService, to.service, enforcer);
      else push({ waypoint: byWaypoint, class: byClass, namespace: byNamespace }[to.kind], to.name, enforcer);
    };
    const account = ({ enforcer, to, status, findings: own }: Attached): void => {
      findings.push(...own);
      if (status !== undefined) statuses.push(status);
      if (enforcer !== undefined) for (const each of to) add(each, enforcer);
    };
    for (const resource of all) {
      const targets = targetsOf(resource);
      const inputs = [resource, ...around.lookUp(resource, targets)];
      account(memo.get(resource.metadata, inputs, () => attachPolicy(resource, around)));
    }
    for (const resource of invalid) {
      if (resource.ref.kind === 'AuthorizationPolicy') account(readInvalidPolicy(resource, around));
    }
    memo.sweep();

    const ofWaypoint = ({ gateway, key }: WaypointGateway): readonly Enforcer[] =>
      join(
        byClass.get(gateway.spec.gatewayClassName),
        byWaypoint.get(key),
        byNamespace.get(gateway.metadata.namespace),
      );
    return {
      ofWaypoint,
      ofService: (service, waypoint) =>
        join(ofWaypoint(waypoint), byService.get(service), byNamespace.get(service.name.namespace)),
      setOf: (sets, key, enforcers, protocol) =>
        enforcers.length === 0
          ? open
          : sets.get(key, [protocol, ...enforcers], () => policySet(enforcers, protocol === 'tcp')),
      findings,
      statuses,
    };
  });
}

function attachPolicy(resource: AuthorizationPolicy, around: Surroundings): Attached {
  const { namespace, name } = resource.metadata;
  const { enforcement, findings } = readPolicy(resource);
  const targets = targetsOf(resource);
  if (targets.length === 0) {
    const told = [...findings, ...workloadFindings(resource, enforcement)];
    return { enforcer: undefined, to: none, status: undefined, findings: told };
  }
  const attachments = attach(resource, targets, around);
  const report = statusOf(resource, attachments, enforcement);
  return {
    enforcer: enforcement.kind === 'ignore' ? undefined : { namespace, name, enforcement },
    to: attachments.flatMap(({ to }) => to ?? []),
    status: report.status,
    findings: [...findings, ...report.findings],
  };
}

/** Most services have one policy and their waypoint none, and then there is nothing to copy. */
function join(...lists: readonly (readonly Enforcer[] | undefined)[]): readonly Enforcer[] {
  const given = lists.filter((list) => list !== undefined && list.length > 0) as readonly (readonly Enforcer[])[];
  return given.length < 2 ? (given[0] ?? none) : given.flat();
}

const open: AuthzPolicySet = { policies: none };

/** One policy may come by several ways (its service and its waypoint), and counts once. */
function policySet(enforcers: readonly Enforcer[], tcp: boolean): AuthzPolicySet {
  const [only] = enforcers;
  if (enforcers.length === 1 && only!.enforcement.kind === 'enforce') {
    return { policies: [tcp ? only!.enforcement.tcp : only!.enforcement.policy] };
  }
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
