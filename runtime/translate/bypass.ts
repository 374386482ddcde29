import type { Finding } from '#model/finding.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import { targetsOf } from './authz-target.ts';
import { refOf } from './condition.ts';
import { portOf } from './endpoint.ts';
import { enrolledPods, type EnrolledService, isWithin, waypointPrincipal } from './enrolled-pods.ts';
import type { Labels } from './label-selector.ts';
import { createMeshConfig } from './mesh-config.ts';
import { defaultOptions, type TranslateOptions } from './options.ts';

type Rule = AuthorizationPolicy['spec']['rules'][number];

/**
 * Services whose policies can be gone past by calling their pods, because nothing in the files has ztunnel let their
 * waypoint alone in. `hasPolicies`: those without any lose nothing that way but routes, and are not spoken of.
 */
export function bypassFindings(
  resources: ResourceSet,
  hasPolicies: (host: string) => boolean,
  options: Partial<TranslateOptions> = {},
): readonly Finding[] {
  const settings = { ...defaultOptions, ...options };
  const { trustDomain } = settings;
  const { rootNamespace } = createMeshConfig(settings)(resources.of('ConfigMap'));
  const { inventory, services } = enrolledPods(resources, options);
  const forPods = resources.of('AuthorizationPolicy').filter((policy) => targetsOf(policy).length === 0);
  const principals = new Map<string, Set<string>>();
  for (const { service, waypoint } of services) {
    const key = service.name.namespace;
    principals.set(key, (principals.get(key) ?? new Set()).add(waypointPrincipal(waypoint, trustDomain)));
  }
  return services.flatMap((each): readonly Finding[] => {
    const { service } = each;
    const { namespace, host } = service.name;
    if (!hasPolicies(host) || service.addresses.length === 0) return [];
    const pods = inventory.workloads.selected(namespace, service.selector);
    // Files that hold no pods still say by which labels they will be chosen.
    const shapes: readonly { readonly labels: Labels; readonly ports: readonly number[] }[] =
      pods.length > 0
        ? pods
            .filter(({ workloads: [first] }) => first.tunnel === 'hbone')
            .map((pod) => ({ labels: pod.labels, ports: service.ports.flatMap((port) => portOf(pod, port) ?? []) }))
        : [{ labels: service.selector, ports: [] }];
    const trusted = principals.get(namespace)!;
    const isShut = ({ labels, ports }: (typeof shapes)[number]): boolean =>
      shuts(
        forPods.filter((policy) => selects(policy, namespace, labels, rootNamespace)),
        trusted,
        ports,
      );
    return shapes.every(isShut) ? [] : [unprotected(each)];
  });
}

/** Of the root namespace it selects in all namespaces. Without a selector: everything. */
function selects({ metadata, spec }: AuthorizationPolicy, namespace: string, labels: Labels, root: string): boolean {
  if (metadata.namespace !== namespace && metadata.namespace !== root) return false;
  return isWithin(labels, spec.selector?.matchLabels ?? {});
}

/** As ztunnel decides: one DENY is enough, and of several ALLOW policies none may let anybody else in. */
function shuts(
  policies: readonly AuthorizationPolicy[],
  trusted: ReadonlySet<string>,
  ports: readonly number[],
): boolean {
  const denies = policies.some(
    ({ spec }) => spec.action === 'DENY' && spec.rules.some((rule) => deniesOthers(rule, trusted)),
  );
  if (denies) return true;
  const allow = policies.filter(({ spec }) => spec.action === 'ALLOW');
  return allow.length > 0 && allow.every(({ spec }) => spec.rules.every((rule) => admitsOnly(rule, trusted, ports)));
}

const deniesOthers = ({ from, to, when }: Rule, trusted: ReadonlySet<string>): boolean =>
  to.length === 0 &&
  when.length === 0 &&
  from.some(
    ({ source: { notPrincipals, ...others } }) =>
      notPrincipals.length > 0 && notPrincipals.every((each) => trusted.has(each)) && isEmpty(others),
  );

/** Every source is a waypoint, or the rule is about ports that are none of the service's. */
const admitsOnly = ({ from, to }: Rule, trusted: ReadonlySet<string>, ports: readonly number[]): boolean =>
  letsIn(from, trusted) ||
  (ports.length > 0 &&
    to.length > 0 &&
    to.every(
      ({ operation }) => operation.ports.length > 0 && !operation.ports.some((one) => ports.includes(Number(one))),
    ));

const letsIn = (from: Rule['from'], trusted: ReadonlySet<string>): boolean =>
  from.length > 0 &&
  from.every(
    ({ source: { principals } }) => principals.length > 0 && principals.every((principal) => trusted.has(principal)),
  );

const isEmpty = (source: object): boolean =>
  Object.values(source).every((list: readonly unknown[]) => list.length === 0);

/** A policy that does for ztunnel what has to be done: it lets waypoints in, and says nothing of who else may. */
export function letsWaypointsIn({ spec }: AuthorizationPolicy, waypoints: ReadonlySet<string>): boolean {
  const [first] = spec.rules;
  return spec.action === 'ALLOW' && first !== undefined && letsIn(first.from, waypoints);
}

function unprotected({ service, waypoint }: EnrolledService): Finding {
  const { namespace, name } = service.name;
  return {
    code: 'PTL1340',
    level: 'warning',
    resource: refOf(service.service),
    path: service.inline === undefined ? 'spec.selector' : 'spec',
    message: `${service.service.kind} ${name} has policies at waypoint ${waypoint.key}, and its pods can be called past it`,
    expected: "an AuthorizationPolicy for ztunnel that lets the waypoint's identity alone in to its pods",
    came: 'none in the files',
    effect: 'whoever calls a pod by its own address is asked by no policy of the waypoint',
    next: `portolan ztunnel-policy -f PATH -n ${namespace} --waypoint ${waypoint.key}, and apply what it prints`,
  };
}
