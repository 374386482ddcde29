import type { Finding } from '#model/finding.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import { refOf } from './condition.ts';
import { portOf } from './endpoint.ts';
import { enrolledPods, type EnrolledService, isWithin, waypointPrincipal } from './enrolled-pods.ts';
import { push, type WorkloadIndex } from './inventory.ts';
import type { Labels } from './label-selector.ts';
import { defaultOptions, type TranslateOptions } from './options.ts';
import { compare } from './route-order.ts';
import type { KnownService } from './service.ts';

/** An AuthorizationPolicy for ztunnel, as it is written. */
export interface ZtunnelPolicy {
  readonly apiVersion: 'security.istio.io/v1';
  readonly kind: 'AuthorizationPolicy';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels: Labels };
    readonly action: 'ALLOW';
    readonly rules: readonly object[];
  };
}

export interface ZtunnelPolicies {
  /** Sorted by namespace and name. */
  readonly policies: readonly ZtunnelPolicy[];
  /** What they do besides, and whom they cannot protect. */
  readonly findings: readonly Finding[];
}

export interface ZtunnelPolicyOptions extends Partial<TranslateOptions> {
  readonly namespace?: string;
  /** `namespace/name` */
  readonly waypoint?: string;
}

/**
 * Policies by which ztunnel lets nobody but their waypoint in to the pods of enrolled services, so that a waypoint cannot
 * be gone past by calling a pod. Pods that a waypoint for workloads takes by their namespace are meant as a whole.
 */
export function ztunnelPolicies(resources: ResourceSet, options: ZtunnelPolicyOptions = {}): ZtunnelPolicies {
  const { trustDomain } = { ...defaultOptions, ...options };
  const { inventory, services, namespaces } = enrolledPods(resources, options);
  const wanted = (namespace: string, waypoint: string): boolean =>
    (options.namespace ?? namespace) === namespace && (options.waypoint ?? waypoint) === waypoint;
  const policies: ZtunnelPolicy[] = [];
  const findings: Finding[] = [];
  for (const [namespace, waypoints] of namespaces) {
    const some = waypoints.filter(({ key }) => wanted(namespace, key));
    if (some.length === 0) continue;
    const principals = some.map((each) => waypointPrincipal(each, trustDomain)).sort();
    policies.push(policy(namespace, 'waypoint-only', undefined, [fromOnly(principals)]));
  }
  const chosen = services.filter(
    ({ service, waypoint }) => wanted(service.name.namespace, waypoint.key) && !namespaces.has(service.name.namespace),
  );
  for (const each of chosen) {
    const { service, waypoint } = each;
    if (Object.keys(service.selector).length === 0) {
      findings.push(cannotSelect(service));
      continue;
    }
    if (chosen.some((other) => covers(other, each))) continue;
    const others = openServices(service, services, inventory.services.values(), inventory.workloads);
    findings.push(...others.closed.map((other) => alsoCloses(service, other)));
    const rules = [fromOnly([waypointPrincipal(waypoint, trustDomain)])];
    if (others.ports.length > 0) rules.push({ to: [{ operation: { ports: others.ports.map(String) } }] });
    const { namespace, name } = service.name;
    policies.push(policy(namespace, `${name}-waypoint-only`, service.selector, rules));
  }
  const byName = (a: ZtunnelPolicy, b: ZtunnelPolicy): number =>
    compare(a.metadata.namespace, b.metadata.namespace) || compare(a.metadata.name, b.metadata.name);
  return { policies: policies.sort(byName), findings };
}

const fromOnly = (principals: readonly string[]): object => ({ from: [{ source: { principals } }] });

const policy = (
  namespace: string,
  name: string,
  matchLabels: Labels | undefined,
  rules: readonly object[],
): ZtunnelPolicy => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace },
  spec: {
    ...(matchLabels === undefined ? {} : { selector: { matchLabels: { ...matchLabels } } }),
    action: 'ALLOW',
    rules,
  },
});

/** The other's policy says the same about all pods of this one, and this one's would say nothing more. */
function covers(other: EnrolledService, { service, waypoint }: EnrolledService): boolean {
  if (other.service === service || other.waypoint !== waypoint) return false;
  if (other.service.name.namespace !== service.name.namespace || Object.keys(other.service.selector).length === 0) {
    return false;
  }
  if (!isWithin(service.selector, other.service.selector)) return false;
  // Of two with the same selector the first speaks for both.
  return !isWithin(other.service.selector, service.selector) || other.service.key < service.key;
}

/**
 * Services that are not enrolled and have pods in common with one that is. On ports of their own they stay open; on a port
 * that is the enrolled one's too nobody can tell whom a connection means.
 */
function openServices(
  enrolled: KnownService,
  services: readonly EnrolledService[],
  all: Iterable<KnownService>,
  workloads: WorkloadIndex,
): { readonly ports: readonly number[]; readonly closed: readonly KnownService[] } {
  const { namespace } = enrolled.name;
  const pods = new Set(workloads.selected(namespace, enrolled.selector));
  const portsOf = (service: KnownService): readonly number[] =>
    [...pods].flatMap((pod) => service.ports.flatMap((port) => portOf(pod, port) ?? []));
  const behind = new Map<number, KnownService[]>();
  const closing = new Set<number>();
  for (const service of all) {
    if (service.name.namespace !== namespace) continue;
    const shares = workloads.selected(namespace, service.selector).some((pod) => pods.has(pod));
    if (!shares) continue;
    const isEnrolled = services.some((each) => each.service === service);
    for (const number of portsOf(service)) {
      if (isEnrolled) closing.add(number);
      else push(behind, number, service);
    }
  }
  const closed = [...behind].filter(([number]) => closing.has(number)).flatMap(([, its]) => its);
  const ports = [...behind.keys()].filter((number) => !closing.has(number)).sort((a, b) => a - b);
  return { ports, closed: [...new Set(closed)] };
}

function alsoCloses(enrolled: KnownService, other: KnownService): Finding {
  const { namespace, name } = other.name;
  return {
    code: 'PTL1341',
    level: 'warning',
    resource: refOf(other.service),
    path: 'spec.selector',
    message: `Service ${name} is not enrolled, and pods of it serve Service ${enrolled.name.name} on the same port`,
    expected: 'pods or ports of its own, or a service that is enrolled',
    came: `pods and a port of ${enrolled.name.name}`,
    effect: `with the policy for ${enrolled.name.name} nobody reaches ${name} any more but through the waypoint`,
    next: `kubectl label service -n ${namespace} ${name} istio.io/use-waypoint=<waypoint>`,
  };
}

function cannotSelect({ service, name }: KnownService): Finding {
  return {
    code: 'PTL1342',
    level: 'warning',
    resource: refOf(service),
    path: 'spec',
    message: `${service.kind} ${name.name} selects no pods by labels, so no policy for ztunnel can be made for them`,
    expected: 'a selector',
    came: 'none',
    effect: 'its endpoints can be called past the waypoint',
    next: 'write a policy for the pods behind it by their own labels',
  };
}
