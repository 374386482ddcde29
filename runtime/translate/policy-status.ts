import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import type { InvalidResource } from '#resources/resource.ts';
import type { AuthzProviders } from './authz-providers.ts';
import type { Enforcement } from './authorization-policy.ts';
import { targetName, targetPath, type Target, type TargetedPolicy } from './authz-target.ts';
import { letsWaypointsIn } from './bypass.ts';
import { condition, refOf, resourceStatus } from './condition.ts';
import { none } from './memo.ts';
import type { MeshConfig } from './mesh-config.ts';
import { type BoundRoute, resolveRoute, type RouteScope } from './route-target.ts';
import type { KnownPort, KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';
import type { Services } from './services.ts';

/** What there is to attach to. */
export interface Surroundings {
  readonly mesh: MeshConfig;
  readonly providers: AuthzProviders;
  /** Of the mesh: its own trust domain, then its aliases. */
  readonly trustDomains: readonly string[];
  readonly services: Services;
  readonly waypointOf: ReadonlyMap<KnownService, WaypointGateway>;
  readonly waypoints: ReadonlyMap<string, WaypointGateway>;
  /** Keys of Gateways that are not waypoints of ours. */
  readonly otherGateways: ReadonlySet<string>;
  isWaypointClass(name: string): boolean;
  /** Identities of waypoints, as policies name them. */
  readonly waypointPrincipals: ReadonlySet<string>;
  /** By `HTTPRoute/<namespace>/<name>`. */
  readonly routes: ReadonlyMap<string, BoundRoute>;
  /** Waypoints about whose tunnels a policy without targets decides; none unless authorization is layered. */
  tunnelsOf(resource: AuthorizationPolicy | InvalidResource): readonly string[];
  /** Whether a policy of a namespace may have this target: it is at home there, or a ReferenceGrant lets it. */
  mayTarget(from: string, target: Target): boolean;
  /** The policy and everything else that its attachment to these targets depends on: the inputs of its memo. */
  lookUp(resource: TargetedPolicy, targets: readonly Target[]): readonly unknown[];
}

/**
 * What a policy decides about: a service, rules of a route wherever it is, a waypoint by `namespace/name` or the tunnels to
 * it, all waypoints of a class, or (a policy of which nobody knows what it was aimed at) everything in a namespace.
 */
export type AttachedTo =
  | { readonly kind: 'service'; readonly service: KnownService }
  | { readonly kind: 'route'; readonly scope: RouteScope }
  | { readonly kind: 'tunnels'; readonly name: string }
  | { readonly kind: 'waypoint' | 'class' | 'namespace'; readonly name: string };

/** Why a target is not accepted. */
type Refusal = 'Invalid' | 'RefNotPermitted' | 'TargetNotFound' | 'AncestorNotBound';

/** The verdict about one target. `target`: `Service/bookinfo/reviews`, `Gateway/…` or `GatewayClass/<name>`. */
export interface Attachment {
  readonly target: string;
  /** Undefined: it is attached to nothing. */
  readonly to: AttachedTo | readonly AttachedTo[] | undefined;
  readonly reason: 'Accepted' | Refusal;
  readonly message: string;
  readonly finding?: Finding;
  /** Ports of the target that are TCP. */
  readonly tcpPorts: readonly number[];
}

/**
 * Judges every target of a policy. A policy reaches what is in its own namespace and what another namespace grants it,
 * and classes from the root. The grant is asked first: a refusal tells nothing of what there is elsewhere.
 */
export function attach(
  resource: TargetedPolicy,
  targets: readonly Target[],
  around: Surroundings,
): readonly Attachment[] {
  return targets.map((target, index) => {
    const { namespace } = resource.metadata;
    const home = target.namespace ?? namespace;
    if (target.kind === 'Service' && target.group === '' && home === namespace) {
      const service = attachService(namespace, target.name, around);
      if (service !== undefined) return service;
    }
    const wanted = targetName(target, namespace);
    const refuse = (reason: Refusal, message: string, rest: Partial<Finding>) => ({
      target: wanted,
      to: undefined,
      reason,
      message,
      tcpPorts: none,
      finding: notAttached(resource, targetPath(resource, index), wanted, message, rest),
    });
    if (!around.mayTarget(namespace, target)) {
      const { kind, name } = target;
      const who = `AuthorizationPolicies of namespace ${namespace}`;
      return refuse('RefNotPermitted', `no ReferenceGrant of namespace ${home} lets ${who} target ${kind} ${name}`, {
        code: 'PTL1303',
        level: 'error',
        expected: `a ReferenceGrant in namespace ${home}, or a target in namespace ${namespace}`,
        came: 'none',
        next: `create a ReferenceGrant in namespace ${home} from AuthorizationPolicy (security.istio.io) ${namespace} to ${kind} ${name}`,
      });
    }
    switch (`${target.group}/${target.kind}`) {
      case '/Service':
        return attachService(home, target.name, around) ?? refuse(...missingService(home, target.name, around));
      case 'networking.istio.io/ServiceEntry':
        return attachEntry(home, target.name, around) ?? refuse(...missingEntry(home, target.name, around));
      case 'gateway.networking.k8s.io/HTTPRoute': {
        const found = resolveRoute(target, namespace, around.routes);
        return 'scope' in found
          ? accepted(wanted, found.bound, { kind: 'route', scope: found.scope })
          : refuse(found.reason, found.message, found.finding);
      }
      case 'gateway.networking.k8s.io/Gateway': {
        const waypoint = around.waypoints.get(`${home}/${target.name}`);
        if (waypoint !== undefined) return accepted(wanted, waypoint.key, { kind: 'waypoint', name: waypoint.key });
        return around.otherGateways.has(`${home}/${target.name}`)
          ? refuse('AncestorNotBound', `Gateway ${target.name} is not a waypoint of ours`, {
              code: 'PTL1209',
              level: 'warning',
            })
          : refuse('TargetNotFound', `Gateway ${home}/${target.name} does not exist`, {
              code: 'PTL1202',
              level: 'error',
            });
      }
      case 'gateway.networking.k8s.io/GatewayClass':
        if (namespace !== around.mesh.rootNamespace) {
          return refuse('Invalid', `a GatewayClass can be targeted from namespace ${around.mesh.rootNamespace} only`, {
            code: 'PTL1304',
            level: 'error',
            expected: around.mesh.rootNamespace,
            came: namespace,
            next: `move the policy to namespace ${around.mesh.rootNamespace}, or target a Gateway`,
          });
        }
        return around.isWaypointClass(target.name)
          ? accepted(`GatewayClass/${target.name}`, `every waypoint of class ${target.name}`, {
              kind: 'class',
              name: target.name,
            })
          : refuse('TargetNotFound', `GatewayClass ${target.name} is not a waypoint class of ours`, {
              code: 'PTL1202',
              level: 'error',
            });
      default:
        return refuse('Invalid', `targets of kind ${target.kind} are not supported`, {
          code: 'PTL1505',
          level: 'error',
          expected: 'Service, ServiceEntry, HTTPRoute, Gateway or GatewayClass',
          came: target.kind,
        });
    }
  });
}

function accepted(target: string, bound: string, to: AttachedTo | readonly AttachedTo[]): Attachment {
  return { target, to, reason: 'Accepted', message: `bound to ${bound}`, tcpPorts: none };
}

function attachService(namespace: string, name: string, around: Surroundings): Attachment | undefined {
  const service = around.services.get(namespace, name);
  const waypoint = service && around.waypointOf.get(service);
  if (service === undefined || waypoint === undefined) return undefined;
  const attachment = accepted(`Service/${namespace}/${name}`, waypoint.key, { kind: 'service', service });
  if (!service.ports.some(isTcp)) return attachment;
  return { ...attachment, tcpPorts: service.ports.filter(isTcp).map(({ port }) => port) };
}

const isTcp = ({ protocol }: KnownPort): boolean => protocol === 'tcp';

/** All hosts of a ServiceEntry have the labels by which it is enrolled in common. */
function attachEntry(namespace: string, name: string, around: Surroundings): Attachment | undefined {
  const hosts = around.services.ofEntry(namespace, name) ?? none;
  const waypoint = hosts[0] && around.waypointOf.get(hosts[0]);
  if (waypoint === undefined) return undefined;
  const to = hosts.map((service) => ({ kind: 'service', service }) as const);
  const tcp = hosts[0]!.ports.filter(isTcp).map(({ port }) => port);
  return {
    ...accepted(`ServiceEntry/${namespace}/${name}`, waypoint.key, to),
    tcpPorts: tcp.length === 0 ? none : tcp,
  };
}

function missingEntry(namespace: string, name: string, around: Surroundings): ReturnType<typeof missingService> {
  const what = `ServiceEntry ${namespace}/${name}`;
  if (around.services.ofEntry(namespace, name) === undefined) {
    return ['TargetNotFound', `${what} does not exist`, { code: 'PTL1202', level: 'error' }];
  }
  const next = `kubectl label serviceentry -n ${namespace} ${name} istio.io/use-waypoint=<waypoint>`;
  return ['AncestorNotBound', `${what} uses no waypoint of ours`, { code: 'PTL1209', level: 'warning', next }];
}

function missingService(
  namespace: string,
  name: string,
  around: Surroundings,
): ['TargetNotFound' | 'AncestorNotBound', string, Partial<Finding>] {
  if (around.services.get(namespace, name) === undefined) {
    return ['TargetNotFound', `Service ${namespace}/${name} does not exist`, { code: 'PTL1202', level: 'error' }];
  }
  const next = `kubectl label service -n ${namespace} ${name} istio.io/use-waypoint=<waypoint>`;
  return [
    'AncestorNotBound',
    `Service ${namespace}/${name} uses no waypoint of ours`,
    { code: 'PTL1209', level: 'warning', next },
  ];
}

function notAttached(
  resource: TargetedPolicy,
  path: string,
  target: string,
  message: string,
  rest: Partial<Finding>,
): Finding {
  return {
    code: 'PTL1202',
    level: 'error',
    resource: refOf(resource),
    path,
    message: `${resource.kind} ${resource.metadata.name} is not enforced for ${target}: ${message}`,
    effect: 'the policy decides nothing there',
    next: 'correct the target',
    ...rest,
  };
}

interface StatusReport {
  readonly status: ResourceStatus;
  readonly findings: readonly Finding[];
}

/** Istio's condition, with one verdict a target, and why each is not attached. `closed`: why it is not understood. */
export function attachmentStatus(
  resource: TargetedPolicy,
  attachments: readonly Attachment[],
  closed?: string,
): StatusReport {
  const type = 'WaypointAccepted';
  const [only] = attachments;
  if (attachments.length === 1 && closed === undefined && only!.to !== undefined) {
    const conditions = [condition(type, true, 'Accepted', only!.message)];
    const status = resourceStatus(refOf(resource), { conditions, parents: [{ parent: only!.target, conditions }] });
    return { status, findings: none };
  }
  const good = attachments.filter(({ to }) => to !== undefined);
  const bad = attachments.find(({ to }) => to === undefined);
  const overall =
    closed !== undefined
      ? condition(type, false, 'Invalid', closed)
      : bad === undefined
        ? condition(type, true, 'Accepted', [...new Set(good.map(({ message }) => message))].join(', '))
        : condition(type, false, good.length > 0 ? 'PartiallyInvalid' : bad.reason, bad.message);
  const status = resourceStatus(refOf(resource), {
    conditions: [overall],
    parents: attachments.map(({ target, to, reason, message }) => ({
      parent: target,
      conditions: [
        reason === overall.reason && message === overall.message
          ? overall
          : condition(type, to !== undefined, reason, message),
      ],
    })),
  });
  return { status, findings: attachments.flatMap(({ finding }) => (finding === undefined ? [] : [finding])) };
}

/** The status of an AuthorizationPolicy, and what is worth knowing about each target. */
export function statusOf(
  resource: AuthorizationPolicy,
  attachments: readonly Attachment[],
  enforcement: Enforcement,
  /** Why its provider cannot be asked. */
  refusal?: string,
): StatusReport {
  const denied = refusal === undefined ? undefined : `${refusal}: what its rules match is denied`;
  const closed = enforcement.kind === 'close' ? enforcement.reason : denied;
  const { status, findings } = attachmentStatus(resource, attachments, closed);
  const custom = resource.spec.action === 'CUSTOM';
  if (refusal === undefined && (enforcement.kind !== 'enforce' || !(enforcement.http || custom)))
    return { status, findings };
  const tcp =
    enforcement.kind === 'enforce' && (enforcement.http || custom)
      ? attachments.filter(({ to, tcpPorts }) => to !== undefined && tcpPorts.length > 0)
      : none;
  const tell = custom ? customTcpFinding : tcpFinding;
  return {
    status,
    findings: [
      ...findings,
      ...(refusal === undefined ? [] : [providerFinding(resource, refusal)]),
      ...tcp.map((attachment) => tell(resource, attachment)),
    ],
  };
}

function providerFinding(resource: AuthorizationPolicy, refusal: string): Finding {
  return {
    code: 'PTL1320',
    level: 'error',
    resource: refOf(resource),
    path: 'spec.provider.name',
    message: `AuthorizationPolicy ${resource.metadata.name} has nobody to ask: ${refusal}`,
    expected: 'an authorizer of extensionProviders in the mesh configuration, whose service exists',
    came: resource.spec.provider?.name ?? 'none',
    effect: 'what its rules match is denied',
    next: 'add the provider to extensionProviders of ConfigMap istio, or correct the name',
  };
}

function customTcpFinding(resource: AuthorizationPolicy, { target, tcpPorts }: Attachment): Finding {
  return {
    code: 'PTL1321',
    level: 'warning',
    resource: refOf(resource),
    path: 'spec.action',
    message: `AuthorizationPolicy ${resource.metadata.name} has action CUSTOM, and ${target} has TCP ports: ${tcpPorts.join(', ')}`,
    expected: 'an HTTP port',
    came: `TCP ports ${tcpPorts.join(', ')}`,
    effect: 'nobody is asked about connections: those that its rules match, but for their HTTP fields, are closed',
    next: 'name the protocol of the port (appProtocol: http), or limit the rules to other ports',
  };
}

function tcpFinding(resource: AuthorizationPolicy, { target, tcpPorts }: Attachment): Finding {
  const allow = resource.spec.action === 'ALLOW';
  return {
    code: 'PTL1307',
    level: 'warning',
    resource: refOf(resource),
    path: 'spec.rules',
    message: `AuthorizationPolicy ${resource.metadata.name} has HTTP fields, and ${target} has TCP ports: ${tcpPorts.join(', ')}`,
    expected: 'an HTTP port, or rules without hosts, methods, paths, headers and tokens',
    came: `TCP ports ${tcpPorts.join(', ')}`,
    effect: allow
      ? 'rules with HTTP fields allow nothing on these ports'
      : 'on these ports HTTP fields are left out, so more is denied',
    next: 'name the protocol of the port (appProtocol: http), or write rules for TCP on their own',
  };
}

/** The status of a policy for workloads that decides about tunnels too. */
export function tunnelStatus(resource: AuthorizationPolicy, waypoints: readonly string[]): ResourceStatus {
  const message = `bound to the tunnels of ${waypoints.join(', ')}`;
  return resourceStatus(refOf(resource), { conditions: [condition('WaypointAccepted', true, 'Accepted', message)] });
}

/** A policy without targets is for workloads: ztunnel enforces it, and cannot ask for HTTP. */
export function workloadFindings(
  resource: AuthorizationPolicy,
  enforcement: Enforcement,
  around: Surroundings,
): readonly Finding[] {
  // What `ztunnel-policy` prints is where it belongs.
  if (letsWaypointsIn(resource, around.waypointPrincipals)) return none;
  const http = enforcement.kind === 'enforce' && enforcement.http;
  const { name } = resource.metadata;
  if (!http && around.tunnelsOf(resource).length > 0) return none;
  return [
    {
      code: http ? 'PTL1305' : 'PTL1306',
      level: http ? 'warning' : 'info',
      resource: refOf(resource),
      path: resource.spec.selector === undefined ? 'spec' : 'spec.selector',
      message: http
        ? `AuthorizationPolicy ${name} selects workloads and has HTTP fields, which ztunnel cannot ask for`
        : `AuthorizationPolicy ${name} selects workloads, so ztunnel enforces it and waypoints do not`,
      expected: 'spec.targetRefs, for a policy that a waypoint is to enforce',
      effect: http
        ? 'ztunnel leaves ALLOW rules with HTTP fields out, which denies, and takes DENY rules for wider than they are'
        : 'waypoints do not ask it',
      next: 'name the Service in spec.targetRefs',
    },
  ];
}
