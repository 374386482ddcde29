import type { AuthzPolicySet } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { ServicePort } from '#model/waypoint.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import type { InvalidResource } from '#resources/resource.ts';
import { join } from './attachment-index.ts';
import { readPolicy, withoutProvider, type Enforcement } from './authorization-policy.ts';
import { targetsOf } from './authz-target.ts';
import { push } from './inventory.ts';
import { readInvalidPolicy } from './invalid-policy.ts';
import { EachMemo, equal, none, step } from './memo.ts';
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
  /** Stands for these policies, and keeps none of them alive. */
  readonly mark: object;
  /** What an edit changed: of these services alone policies differ from those that `since` stands for. */
  readonly edit: { readonly since: object; readonly services: readonly KnownService[] } | undefined;
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
  let last: Last | undefined;
  return step((all, invalid, around) => {
    const inputsOf = (resource: AuthorizationPolicy) => around.lookUp(resource, targetsOf(resource));
    const attached = memo.get(all, [around], inputsOf, (resource) => attachPolicy(resource, around));
    const edited = last && last.invalid === invalid && last.around === around ? editOf(last, attached) : undefined;
    const policies = edited ?? gather(attached, invalid, around, fileByRoute);
    last = { attached, invalid, around, policies };
    return policies;
  });
}

interface Last {
  readonly attached: readonly Attached[];
  readonly invalid: readonly InvalidResource[];
  readonly around: Surroundings;
  readonly policies: Gathered;
}

interface Gathered extends Policies, Shared {
  readonly byService: ReadonlyMap<KnownService, readonly Enforcer[]>;
}

/** All policies, by what they are attached to. */
function gather(
  attached: readonly Attached[],
  invalid: readonly InvalidResource[],
  around: Surroundings,
  fileByRoute: ReturnType<typeof createRoutePolicies>,
): Gathered {
  const byService = new Map<KnownService, Enforcer[]>();
  const byWaypoint = new Map<string, Enforcer[]>();
  const byClass = new Map<string, Enforcer[]>();
  const byNamespace = new Map<string, Enforcer[]>();
  const byTunnels = new Map<string, Enforcer[]>();
  const onRoutes: { readonly enforcer: Enforcer; readonly scope: RouteScope }[] = [];
  const byName = { waypoint: byWaypoint, class: byClass, namespace: byNamespace, tunnels: byTunnels };
  const findings: Finding[] = [];
  const statuses: ResourceStatus[] = [];
  const add = (to: AttachedTo, enforcer: Enforcer): void => {
    if (to.kind === 'service') push(byService, to.service, enforcer);
    else if (to.kind === 'route') onRoutes.push({ enforcer, scope: to.scope });
    else push(byName[to.kind], to.name, enforcer);
  };
  const account = ({ enforcer, to, status, findings: own }: Attached): void => {
    if (own.length > 0) findings.push(...own);
    if (status !== undefined) statuses.push(status);
    if (enforcer !== undefined) for (const each of to) add(each, enforcer);
  };
  attached.forEach(account);
  for (const resource of invalid) {
    if (resource.ref.kind === 'AuthorizationPolicy') account(readInvalidPolicy(resource, around));
  }

  const ofWaypoint = ({ gateway, key }: WaypointGateway): readonly Enforcer[] =>
    join(byClass.get(gateway.spec.gatewayClassName), byWaypoint.get(key), byNamespace.get(gateway.metadata.namespace));
  const foreign = ({ name: { namespace } }: KnownService, { gateway }: WaypointGateway) =>
    namespace !== gateway.metadata.namespace ? byNamespace.get(namespace) : undefined;
  const ofTunnels = ({ key }: WaypointGateway): readonly Enforcer[] => byTunnels.get(key) ?? none;
  const ofRoutes = fileByRoute(onRoutes);
  return gathered(byService, { ofWaypoint, foreign, ofTunnels, ofRoutes, findings, statuses }, undefined);
}

interface Shared extends Pick<Policies, 'ofWaypoint' | 'ofTunnels' | 'ofRoutes' | 'findings' | 'statuses'> {
  /** What decides about the service's namespace. The waypoint's own is part of what is shared. */
  readonly foreign: (service: KnownService, waypoint: WaypointGateway) => readonly Enforcer[] | undefined;
}

/** Part by part: an object that kept the one before would keep all that ever were. */
function gathered(
  byService: Gathered['byService'],
  { ofWaypoint, foreign, ofTunnels, ofRoutes, findings, statuses }: Shared,
  edit: Policies['edit'],
): Gathered {
  const ofService: Policies['ofService'] = (service, waypoint, shared) =>
    join(shared, byService.get(service), foreign(service, waypoint));
  return { ofWaypoint, ofService, foreign, ofTunnels, ofRoutes, findings, statuses, byService, mark: {}, edit };
}

/** More changed policies than this are gathered anew. */
const FEW = 16;

/** The policies with what an edit changed exchanged, when it changed nothing but what some of them decide about services. */
function editOf({ attached: old, policies }: Last, attached: readonly Attached[]): Gathered | undefined {
  if (old.length !== attached.length) return undefined;
  const changes: { readonly before: Attached; readonly after: Attached }[] = [];
  for (let index = 0; index < attached.length; index++) {
    const [before, after] = [old[index]!, attached[index]!];
    if (before === after) continue;
    if (changes.length === FEW || !decidesElse(before, after)) return undefined;
    changes.push({ before, after });
  }
  const byService = new Map(policies.byService);
  const services: KnownService[] = [];
  for (const { before, after } of changes) {
    for (const to of after.to) {
      if (to.kind !== 'service') return undefined;
      const list = byService.get(to.service) ?? none;
      byService.set(
        to.service,
        list.map((enforcer) => (enforcer === before.enforcer ? after.enforcer! : enforcer)),
      );
      services.push(to.service);
    }
  }
  return gathered(byService, policies, { since: policies.mark, services });
}

const decidesElse = (before: Attached, after: Attached): boolean =>
  before.enforcer !== undefined &&
  after.enforcer !== undefined &&
  before.to.length === after.to.length &&
  before.to.every((to, index) => sameTarget(to, after.to[index]!)) &&
  equal(before.status, after.status) &&
  equal(before.findings, after.findings);

const sameTarget = (a: AttachedTo, b: AttachedTo): boolean =>
  a.kind === 'service' && b.kind === 'service' && a.service === b.service;

function attachPolicy(resource: AuthorizationPolicy, around: Surroundings): Attached {
  const { namespace, name } = resource.metadata;
  const read = readPolicy(resource, around.trustDomains);
  const refusal = providerRefusal(read.enforcement, around);
  const enforcement = refusal === undefined ? read.enforcement : withoutProvider(read.enforcement);
  const { findings } = read;
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
  const report = statusOf(resource, attachments, enforcement, refusal);
  return {
    enforcer: enforcement.kind === 'ignore' ? undefined : { namespace, name, enforcement },
    to: attachments.flatMap(({ to }) => to ?? none),
    status: report.status,
    findings: findings.length === 0 ? report.findings : [...findings, ...report.findings],
  };
}

/** Why the provider of a policy cannot be asked; undefined: it can, or there is none to ask. */
function providerRefusal(enforcement: Enforcement, { providers }: Surroundings): string | undefined {
  const { provider } = enforcement.kind === 'enforce' ? enforcement.policy : {};
  return provider === undefined ? undefined : providers.refusal(provider);
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
    ...policies.filter(({ action }) => action === 'CUSTOM'),
    ...policies.filter(({ action }) => action === 'DENY'),
    ...policies.filter(({ action }) => action === 'ALLOW'),
  ];
  const reasons = unique.flatMap(({ namespace, name, enforcement }) =>
    enforcement.kind === 'close' ? [`AuthorizationPolicy ${namespace}/${name}: ${enforcement.reason}`] : [],
  );
  return reasons.length === 0 ? { policies: ordered } : { policies: ordered, closed: reasons.join('; ') };
}
