import type { AuthzPolicySet } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { ServicePort } from '#model/waypoint.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import type { InvalidResource } from '#resources/resource.ts';
import { AttachmentIndex } from './attachment-index.ts';
import { readPolicy, withoutProvider, type Enforcement } from './authorization-policy.ts';
import { targetsOf } from './authz-target.ts';
import { readInvalidPolicy } from './invalid-policy.ts';
import { EachMemo, none, step } from './memo.ts';
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
  /** What decides about everything behind a waypoint, its workloads among it. */
  ofWaypoint(waypoint: WaypointGateway): readonly Enforcer[];
  /** What decides about a service; `shared` is what decides about its waypoint. */
  ofService(service: KnownService, waypoint: WaypointGateway, shared: readonly Enforcer[]): readonly Enforcer[];
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
  const memo = new EachMemo<AuthorizationPolicy, Attached>();
  return step((all, invalid, around) => {
    const index = new AttachmentIndex<Enforcer>();
    const findings: Finding[] = [];
    const statuses: ResourceStatus[] = [];
    const account = ({ enforcer, to, status, findings: own }: Attached): void => {
      findings.push(...own);
      if (status !== undefined) statuses.push(status);
      if (enforcer !== undefined) for (const each of to) index.add(each, enforcer);
    };
    const inputsOf = (resource: AuthorizationPolicy) => around.lookUp(resource, targetsOf(resource));
    const attached = memo.get(all, [around], inputsOf, (resource) => attachPolicy(resource, around));
    attached.forEach(account);
    for (const resource of invalid) {
      if (resource.ref.kind === 'AuthorizationPolicy') account(readInvalidPolicy(resource, around));
    }

    return {
      ofWaypoint: (waypoint) => index.ofWaypoint(waypoint),
      ofService: (service, waypoint, shared) => index.ofService(service, waypoint, shared),
      findings,
      statuses,
    };
  });
}

function attachPolicy(resource: AuthorizationPolicy, around: Surroundings): Attached {
  const { namespace, name } = resource.metadata;
  const read = readPolicy(resource, around.trustDomains);
  const refusal = providerRefusal(read.enforcement, around);
  const enforcement = refusal === undefined ? read.enforcement : withoutProvider(read.enforcement);
  const { findings } = read;
  const targets = targetsOf(resource);
  if (targets.length === 0) {
    const told = [...findings, ...workloadFindings(resource, enforcement)];
    return { enforcer: undefined, to: none, status: undefined, findings: told };
  }
  const attachments = attach(resource, targets, around);
  const report = statusOf(resource, attachments, enforcement, refusal);
  return {
    enforcer: enforcement.kind === 'ignore' ? undefined : { namespace, name, enforcement },
    to: attachments.flatMap(({ to }) => to ?? []),
    status: report.status,
    findings: [...findings, ...report.findings],
  };
}

/** Why the provider of a policy cannot be asked; undefined: it can, or there is none to ask. */
function providerRefusal(enforcement: Enforcement, { providers }: Surroundings): string | undefined {
  const { provider } = enforcement.kind === 'enforce' ? enforcement.policy : {};
  return provider === undefined ? undefined : providers.refusal(provider);
}

const open: AuthzPolicySet = { policies: none };

/** Enforcers as the model has them. One policy may come by several ways (its service and its waypoint), and counts once. */
export function policySet(enforcers: readonly Enforcer[], protocol: ServicePort['protocol']): AuthzPolicySet {
  if (enforcers.length === 0) return open;
  const tcp = protocol === 'tcp';
  const [only] = enforcers;
  if (enforcers.length === 1 && only!.enforcement.kind === 'enforce') {
    return { policies: [tcp ? only!.enforcement.tcp : only!.enforcement.policy] };
  }
  const unique = [...new Set(enforcers)].sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
  const policies = unique.flatMap(({ enforcement }) =>
    enforcement.kind === 'enforce' ? [tcp ? enforcement.tcp : enforcement.policy] : [],
  );
  const ordered = [
    ...policies.filter(({ action }) => action === 'CUSTOM'),
    ...policies.filter(({ action }) => action === 'DENY'),
    ...policies.filter(({ action }) => action === 'ALLOW'),
  ];
  const reasons = unique.flatMap(({ namespace, name, enforcement }) =>
    enforcement.kind === 'close' ? [`AuthorizationPolicy ${namespace}/${name}: ${enforcement.reason}`] : [],
  );
  return reasons.length === 0 ? { policies: ordered } : { policies: ordered, closed: reasons.join('; ') };
}
