import type { JwtRule } from '#model/authn.ts';
import type { AuthzPolicySet } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { Waypoint, Workload } from '#model/waypoint.ts';
import { type Addresses, shareAddresses } from './addresses.ts';
import type { BackendUse } from './backend.ts';
import { createBackends } from './backends.ts';
import type { Enrolments } from './enrolments.ts';
import type { Gateways } from './gateways.ts';
import type { Inventory } from './inventory.ts';
import { ListMemo, Memo, none } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import { policySet } from './policies.ts';
import { Ports, type PortSources } from './ports.ts';
import { jwtRules } from './request-authentications.ts';
import { compare, inOrder } from './route-order.ts';
import type { KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';
import type { KnownWorkload } from './workload.ts';

export interface Waypoints {
  /** Sorted by namespace and name. */
  readonly waypoints: readonly Waypoint[];
  readonly findings: readonly Finding[];
}

/** Makes the last step: the model of every waypoint. A waypoint of which nothing changed is the same object. */
export function createWaypoints(
  options: TranslateOptions,
): (inventory: Inventory, gateways: Gateways, enrolments: Enrolments, from: PortSources) => Waypoints {
  const ports = new Memo<Ports>();
  const backends = createBackends();
  const sorted = new Memo<readonly KnownService[]>();
  const addresses = new Memo<Addresses>();
  const lists = new ListMemo();
  const workloads = new Memo<readonly Workload[]>();
  const workloadSets = new Memo<AuthzPolicySet>();
  const workloadRules = new Memo<readonly JwtRule[] | undefined>();
  const keyUses = new Memo<readonly BackendUse[]>();
  const tunnelSets = new Memo<AuthzPolicySet>();
  const made = new Memo<Waypoint>();
  const told = new ListMemo();
  const sources = new Memo<readonly Workload[]>();

  const makeOne = (
    waypoint: WaypointGateway,
    inventory: Inventory,
    enrolments: Enrolments,
    from: PortSources,
    findings: Finding[],
  ): Waypoint => {
    const { key, gateway } = waypoint;
    const { namespace, name } = gateway.metadata;
    const attached = enrolments.services.byWaypoint.get(key) ?? none;
    const services = sorted.get(key, attached, () => inOrder(attached, byHost));
    const makePorts = ports.get(key, none, () => new Ports(options));
    const shared = addresses.get(key, services, () => shareAddresses(services));
    findings.push(...shared.findings);
    const policies = from.policies.ofWaypoint(waypoint);
    const authenticators = from.authentications.ofWaypoint(waypoint);
    const ofPorts = makePorts.all(services, shared, waypoint, policies, authenticators, from);
    findings.push(...ofPorts.findings);
    const keys = keyUses.get(key, authenticators, () => authenticators.flatMap((each) => each.uses));
    const others = [keys, from.providers.uses].filter((list) => list.length > 0);
    const uses = others.length === 0 ? ofPorts.uses : [...ofPorts.uses, ...others];
    const destinationOf = (service: KnownService) => from.destinations.of(service, namespace);
    const found = backends.make(key, uses, inventory, destinationOf, from.destinations);
    findings.push(...found.findings);
    const tunnels = from.policies.ofTunnels(waypoint);
    const members = enrolments.workloads.byWaypoint.get(key) ?? none;
    const workloadAuthn = workloadRules.get(key, authenticators, () => jwtRules(authenticators));
    const authn = workloadAuthn === undefined ? {} : { workloadAuthn };
    const parts = {
      extensionProviders: from.providers.all,
      ports: lists.keep(key, ofPorts.ports),
      backends: found.backends,
      workloads: workloads.get(key, members, () => byAddress(members)),
      workloadAuthz: workloadSets.get(key, policies, () => policySet(policies, 'detect')),
      ...authn,
      ...(options.layeredAuthorization
        ? { tunnelAuthz: tunnelSets.get(key, tunnels, () => policySet(tunnels, 'tcp')) }
        : {}),
      sources: sources.get('', [inventory.workloads], () => byAddress(inventory.workloads.all)),
    };
    const { trustDomain } = options;
    const { trustDomainAliases, pathNormalization } = from.mesh;
    return made.get(key, [from.mesh, ...Object.values(parts)], () => ({
      namespace,
      name,
      trustDomain,
      trustDomainAliases,
      ...(pathNormalization === undefined ? {} : { pathNormalization }),
      ...parts,
    }));
  };

  return (inventory, gateways, enrolments, from) => {
    const findings: Finding[] = [];
    const waypoints: Waypoint[] = [];
    for (const waypoint of gateways.waypoints.values()) {
      findings.push(...waypoint.findings);
      if (waypoint.refusal === undefined) waypoints.push(makeOne(waypoint, inventory, enrolments, from, findings));
    }
    for (const memo of [
      ports,
      backends,
      sorted,
      addresses,
      lists,
      workloads,
      workloadSets,
      tunnelSets,
      workloadRules,
      keyUses,
      made,
    ])
      memo.sweep();
    return { waypoints, findings: told.keep('', findings) };
  };
}

const byHost = (a: KnownService, b: KnownService): number => compare(a.name.host, b.name.host);

/**
 * One entry an address, sorted by it. An address that several have (pods on the host's network) tells nothing about
 * who is behind it and is left out.
 */
function byAddress(all: readonly KnownWorkload[]): readonly Workload[] {
  const found = new Map<string, Workload | undefined>();
  for (const { workloads } of all) {
    for (const workload of workloads) found.set(workload.address, found.has(workload.address) ? undefined : workload);
  }
  const unique = [...found.values()].filter((workload) => workload !== undefined);
  return unique.sort((a, b) => compare(a.address, b.address));
}
