import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { InvalidResource } from '#resources/resource.ts';
import { type Target, targetsOfInvalid } from './authz-target.ts';
import { condition, resourceStatus } from './condition.ts';
import type { AttachedTo, Surroundings } from './policy-status.ts';
import { resolveRoute } from './route-target.ts';

/** A policy that is not valid closes what it was aimed at, and nothing that a valid one could not have reached. */
export function readInvalidPolicy(
  resource: InvalidResource,
  around: Surroundings,
): {
  readonly enforcer: {
    readonly namespace: string;
    readonly name: string;
    readonly enforcement: { readonly kind: 'close'; readonly reason: string };
  };
  readonly to: readonly AttachedTo[];
  readonly status: ResourceStatus;
  readonly findings: readonly Finding[];
} {
  const { namespace, name } = resource.ref;
  const targets = targetsOfInvalid(resource);
  const message = 'The policy is not valid; its targets deny every request until it is corrected';
  return {
    enforcer: { namespace, name, enforcement: { kind: 'close', reason: 'it is not valid' } },
    to:
      targets === 'unknown'
        ? [{ kind: 'namespace', name: namespace }]
        : targets.length === 0
          ? around.tunnelsOf(resource).map((key) => ({ kind: 'tunnels', name: key }) as const)
          : targets.flatMap((target) => (around.mayTarget(namespace, target) ? reach(target, namespace, around) : [])),
    status: resourceStatus(resource.ref, { conditions: [condition('WaypointAccepted', false, 'Invalid', message)] }),
    findings: [invalidFinding(resource, targets)],
  };
}

/** What a target, as it was written, can have meant. */
export function reach(target: Target, home: string, around: Surroundings): readonly AttachedTo[] {
  const { kind, name, namespace = home } = target;
  switch (kind) {
    case 'Service': {
      const service = around.services.get(namespace, name);
      return service === undefined ? [] : [{ kind: 'service', service }];
    }
    case 'ServiceEntry':
      return (around.services.ofEntry(namespace, name) ?? []).map((service) => ({ kind: 'service', service }));
    case 'HTTPRoute': {
      // A rule of another name than any that there is may be what was misspelt: then the whole route is meant.
      const found = resolveRoute(target, home, around.routes);
      return [
        {
          kind: 'route',
          scope: 'scope' in found ? found.scope : { route: `${kind}/${namespace}/${name}`, rules: undefined },
        },
      ];
    }
    case 'Gateway':
      return [{ kind: 'waypoint', name: `${namespace}/${name}` }];
    default:
      return home === around.mesh.rootNamespace ? [{ kind: 'class', name }] : [];
  }
}

function invalidFinding({ ref }: InvalidResource, targets: readonly Target[] | 'unknown'): Finding {
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
