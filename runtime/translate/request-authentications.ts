import type { JwtRule } from '#model/authn.ts';
import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { RequestAuthentication } from '#resources/request-authentication.ts';
import type { InvalidResource } from '#resources/resource.ts';
import { targetsOf } from './authz-target.ts';
import type { BackendUse } from './backend.ts';
import { AttachmentIndex } from './attachment-index.ts';
import { refOf } from './condition.ts';
import { readInvalidAuthentication } from './invalid-authentication.ts';
import { keyServices, readJwtRules } from './jwt-rule.ts';
import { EachMemo, none, step } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import { attach, type Attachment, attachmentStatus, type AttachedTo, type Surroundings } from './policy-status.ts';
import { compare } from './route-order.ts';
import type { KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/** A RequestAuthentication in force somewhere. */
export interface Authenticator {
  readonly namespace: string;
  readonly name: string;
  readonly rules: readonly JwtRule[];
  /** Where its keys are fetched from. */
  readonly uses: readonly BackendUse[];
}

export interface RequestAuthentications {
  ofWaypoint(waypoint: WaypointGateway): readonly Authenticator[];
  /** `shared` are those of its waypoint. */
  ofService(
    service: KnownService,
    waypoint: WaypointGateway,
    shared: readonly Authenticator[],
  ): readonly Authenticator[];
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
}

/** What is remembered of one: it holds as long as its targets, and the services of its keys, stay what they are. */
export interface AttachedAuthenticator {
  readonly authenticator: Authenticator | undefined;
  readonly to: readonly AttachedTo[];
  readonly status: ResourceStatus | undefined;
  readonly findings: readonly Finding[];
}

/** Makes the step that attaches RequestAuthentications to what they target, by the rules for AuthorizationPolicies. */
export function createRequestAuthentications(
  options: TranslateOptions,
): (
  all: readonly RequestAuthentication[],
  invalid: readonly InvalidResource[],
  around: Surroundings,
) => RequestAuthentications {
  const { clusterDomain } = options;
  const memo = new EachMemo<RequestAuthentication, AttachedAuthenticator>();
  return step((all, invalid, around) => {
    const index = new AttachmentIndex<Authenticator>();
    const findings: Finding[] = [];
    const statuses: ResourceStatus[] = [];
    const account = ({ authenticator, to, status, findings: own }: AttachedAuthenticator): void => {
      findings.push(...own);
      if (status !== undefined) statuses.push(status);
      if (authenticator !== undefined) for (const each of to) index.add(each, authenticator);
    };
    const inputsOf = (resource: RequestAuthentication) => [
      ...around.lookUp(resource, targetsOf(resource)),
      ...keyServices(resource, around.services, clusterDomain),
    ];
    memo.get(all, [around], inputsOf, (each) => attachOne(each, around, clusterDomain)).forEach(account);
    for (const resource of invalid) {
      if (resource.ref.kind === 'RequestAuthentication') account(readInvalidAuthentication(resource, around));
    }
    return {
      ofWaypoint: (waypoint) => index.ofWaypoint(waypoint),
      ofService: (service, waypoint, shared) => index.ofService(service, waypoint, shared),
      findings,
      statuses,
    };
  });
}

function attachOne(
  resource: RequestAuthentication,
  around: Surroundings,
  clusterDomain: string,
): AttachedAuthenticator {
  const { namespace, name } = resource.metadata;
  const targets = targetsOf(resource);
  if (targets.length === 0) {
    return { authenticator: undefined, to: none, status: undefined, findings: [selectorFinding(resource)] };
  }
  const { rules, uses, findings } = readJwtRules(resource, around.services, clusterDomain);
  const attachments = attach(resource, targets, around);
  const report = attachmentStatus(resource, attachments);
  return {
    authenticator: rules.length === 0 ? undefined : { namespace, name, rules, uses },
    to: attachments.flatMap(({ to }) => to ?? []),
    status: report.status,
    findings: [...findings, ...report.findings, ...attachments.flatMap((each) => tcpFinding(resource, each) ?? [])],
  };
}

/**
 * The rules of several as one list, sorted by issuer as Istio does; one that comes by several ways counts once.
 * Undefined: there is nothing to ask of tokens.
 */
export function jwtRules(authenticators: readonly Authenticator[]): readonly JwtRule[] | undefined {
  if (authenticators.length === 0) return undefined;
  return [...new Set(authenticators)]
    .sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name))
    .flatMap(({ rules }) => rules)
    .sort((a, b) => compare(a.issuer ?? '', b.issuer ?? ''));
}

/** Nobody but a sidecar reads tokens for a workload: ztunnel knows no HTTP. */
function selectorFinding(resource: RequestAuthentication): Finding {
  return {
    code: 'PTL1704',
    level: 'warning',
    resource: refOf(resource),
    path: resource.spec.selector === undefined ? 'spec' : 'spec.selector',
    message: `RequestAuthentication ${resource.metadata.name} selects workloads, so waypoints do not enforce it`,
    expected: 'spec.targetRefs',
    effect: 'tokens are not checked by it',
    next: 'name the Service in spec.targetRefs',
  };
}

function tcpFinding(resource: RequestAuthentication, { target, to, tcpPorts }: Attachment): Finding | undefined {
  if (to === undefined || tcpPorts.length === 0) return undefined;
  return {
    code: 'PTL1705',
    level: 'warning',
    resource: refOf(resource),
    path: 'spec.jwtRules',
    message: `RequestAuthentication ${resource.metadata.name} targets ${target}, which has TCP ports: ${tcpPorts.join(', ')}`,
    expected: 'HTTP ports',
    came: `TCP ports ${tcpPorts.join(', ')}`,
    effect: 'no tokens are checked on these ports',
    next: 'name the protocol of the port (appProtocol: http)',
  };
}
