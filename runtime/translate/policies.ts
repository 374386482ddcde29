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
import { EachMemo, none, step } from './memo.ts';
import {
  attach,
  type AttachedTo,
  statusOf,
  type Surroundings,
  tunnelStatus,
  workloadFindings,
} from './policy-status.ts';
import { compare } from './route-order.ts';
import { createRoutePolicies, type RoutePolicies, scopedPolicy, type ScopedEnforcer } from './route-policies.ts';
import type { RouteScope } from './route-target.ts';
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
  /** What decides about the tunnels to a waypoint. */
  ofTunnels(waypoint: WaypointGateway): readonly Enforcer[];
  readonly ofRoutes: RoutePolicies;
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
  const fileByRoute = createRoutePolicies();
  return step((all, invalid, around) => {
    const byService = new Map<KnownService, Enforcer[]>();
    const byWaypoint = new Map<string, Enforcer[]>();
    const byClass = new Map<string, Enforcer[]>();
    const byNamespace = new Map<string, Enforcer[]>();
    const byTunnels = new Map<string, Enforcer[]>();
    const onRoutes: { readonly enforcer: Enforcer; readonly scope: RouteScope }[] = [];
    const findings: Finding[] = [];
    const statuses: ResourceStatus[] = [];
    const add = (to: AttachedTo, enforcer: Enforcer): void => {
      if (to.kind === 'service') push(byService, to.service, enforcer);
      else if (to.kind === 'route') onRoutes.push({ enforcer, scope: to.scope });
      else
        push(
          { waypoint: byWaypoint, class: byClass, namespace: byNamespace, tunnels: byTunnels }[to.kind],
          to.name,
          enforcer,
        );
    };
    const account = ({ enforcer, to, status, findings: own }: Attached): void => {
      findings.push(...own);
      if (status !== undefined) statuses.push(status);
      if (enforcer !== undefined) for (const each of to) add(each, enforcer);
    };
    const inputsOf = (resource: AuthorizationPolicy) => around.lookUp(resource, targetsOf(resource));
    const attached = memo.get(all, [around], inputsOf, (resource) => attachPolicy(resource, around));
    attached.forEach(account);
    for (const resource of invalid) {
      if (resource.ref.kind === 'AuthorizationPolicy') account(readInvalidPolicy(resource, around));
    }

    const ofWaypoint = ({ gateway, key }: WaypointGateway): readonly Enforcer[] =>
      join(
        byClass.get(gateway.spec.gatewayClassName),
        byWaypoint.get(key),
        byNamespace.get(gateway.metadata.namespace),
      );
    return {
      ofWaypoint,
      // A namespace that is the waypoint's own is part of what is shared.
      ofService: (service, { gateway }, shared) => {
        const { namespace } = service.name;
        const foreign = namespace !== gateway.metadata.namespace ? byNamespace.get(namespace) : undefined;
        return join(shared, byService.get(service), foreign);
      },
      ofTunnels: ({ key }) => byTunnels.get(key) ?? none,
      ofRoutes: fileByRoute(onRoutes),
      findings,
      statuses,
    };
  });
}

function attachPolicy(resource: AuthorizationPolicy, around: Surroundings): Attached {
  const { namespace, name } = resource.metadata;
  const { enforcement, findings } = readPolicy(resource, around.trustDomains);
  const targets = targetsOf(resource);
  if (targets.length === 0) {
    const told = [...findings, ...workloadFindings(resource, enforcement, around)];
    const tunnels = around.tunnelsOf(resource);
    if (tunnels.length === 0 || enforcement.kind === 'ignore') {
      return { enforcer: undefined, to: none, status: undefined, findings: told };
    }
    return {
      enforcer: { namespace, name, enforcement },
      to: tunnels.map((key) => ({ kind: 'tunnels', name: key }) as const),
      status: tunnelStatus(resource, tunnels),
      findings: told,
    };
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
function join(
  a: readonly Enforcer[] = none,
  b: readonly Enforcer[] = none,
  c: readonly Enforcer[] = none,
): readonly Enforcer[] {
  if (a.length === 0 && c.length === 0) return b;
  return b.length === 0 && c.length === 0 ? a : [...a, ...b, ...c];
}

const open: AuthzPolicySet = { policies: none };

type Named = Pick<Enforcer, 'namespace' | 'name'>;

/**
 * Enforcers as the model has them. One policy may come by several ways (its service and its waypoint), and counts once;
 * for a service as a whole rather than for a route of it.
 */
export function policySet(
  enforcers: readonly Enforcer[],
  protocol: ServicePort['protocol'],
  scoped: readonly ScopedEnforcer[] = none,
): AuthzPolicySet {
  if (enforcers.length + scoped.length === 0) return open;
  const tcp = protocol === 'tcp';
  const [only] = enforcers;
  if (enforcers.length === 1 && scoped.length === 0 && only!.enforcement.kind === 'enforce') {
    return { policies: [tcp ? only!.enforcement.tcp : only!.enforcement.policy] };
  }
  const byName = (a: Named, b: Named): number => compare(a.namespace, b.namespace) || compare(a.name, b.name);
  const unique = [...new Set(enforcers)].sort(byName);
  const whole = unique.flatMap(({ enforcement }) =>
    enforcement.kind === 'enforce' ? [tcp ? enforcement.tcp : enforcement.policy] : [],
  );
  const ofRoutes = scoped.filter(({ enforcer }) => !unique.includes(enforcer)).map((each) => scopedPolicy(each));
  const policies = ofRoutes.length === 0 ? whole : [...whole, ...ofRoutes].sort(byName);
  const ordered = [
    ...policies.filter(({ action }) => action === 'DENY'),
    ...policies.filter(({ action }) => action === 'ALLOW'),
  ];
  const reasons = unique.flatMap(({ namespace, name, enforcement }) =>
    enforcement.kind === 'close' ? [`AuthorizationPolicy ${namespace}/${name}: ${enforcement.reason}`] : [],
  );
  return reasons.length === 0 ? { policies: ordered } : { policies: ordered, closed: reasons.join('; ') };
}
