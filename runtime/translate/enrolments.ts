import type { Finding, ResourceRef } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import { describeAllowed } from './allowed-namespaces.ts';
import { condition, refOf, resourceStatus } from './condition.ts';
import { enrol, type Enrolment, type RefusalReason } from './enrolment.ts';
import type { Gateways } from './gateways.ts';
import { type Inventory, namespaceLabels, push } from './inventory.ts';
import { none, step } from './memo.ts';
import type { KnownService } from './service.ts';
import { waypointBound, type WaypointGateway } from './waypoint-gateway.ts';
import type { KnownWorkload } from './workload.ts';

/** Who goes through which waypoint. Each part is the same object while what it depends on is. */
export interface Enrolments {
  readonly services: ServiceEnrolments;
  readonly workloads: Enrolled<KnownWorkload>;
  /** What namespaces' labels got wrong: told once, about the namespace. */
  readonly namespaces: { readonly findings: readonly Finding[] };
}

/** Those who are enrolled, by the waypoint's `namespace/name`. */
interface Enrolled<T> {
  readonly byWaypoint: ReadonlyMap<string, readonly T[]>;
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
  readonly inherited: ReadonlyMap<string, { readonly enrolment: Refused; readonly namespace: string }>;
}

export interface ServiceEnrolments extends Enrolled<KnownService> {
  readonly waypointOf: ReadonlyMap<KnownService, WaypointGateway>;
}

interface Outcome {
  readonly enrolment: Enrolment;
  readonly status: ResourceStatus | undefined;
  readonly findings: readonly Finding[];
}

type Namespaces = Inventory['namespaces'];

/** Makes the step that decides about every service, pod and WorkloadEntry. */
export function createEnrolments(): (inventory: Inventory, gateways: Gateways) => Enrolments {
  const enrolServices = step(
    (all: Inventory['services'], namespaces: Namespaces, gateways: Gateways): ServiceEnrolments => {
      const waypointOf = new Map<KnownService, WaypointGateway>();
      const note = (service: KnownService, waypoint: WaypointGateway): void => void waypointOf.set(service, waypoint);
      const decide = (service: KnownService) =>
        ofService(service, namespaceLabels({ namespaces }, service.name.namespace), gateways);
      return { waypointOf, ...enrolAll(all.values(), ({ name }) => name.namespace, decide, note) };
    },
  );
  const enrolWorkloads = step((index: Inventory['workloads'], namespaces: Namespaces, gateways: Gateways) =>
    enrolAll(
      index.all,
      ({ namespace }) => namespace,
      (workload) => ofWorkload(workload, namespaceLabels({ namespaces }, workload.namespace), gateways),
    ),
  );
  const tellNamespaces = step(
    (services: ServiceEnrolments, workloads: Enrolled<KnownWorkload>, gateways: Gateways): readonly Finding[] =>
      [...new Map([...services.inherited, ...workloads.inherited]).values()].map(({ enrolment, namespace }) =>
        refusalFinding(
          { kind: 'Namespace', namespace: '', name: namespace },
          `namespace ${namespace}`,
          enrolment,
          gateways,
        ),
      ),
  );
  return (inventory, gateways) => {
    const services = enrolServices(inventory.services, inventory.namespaces, gateways);
    const workloads = enrolWorkloads(inventory.workloads, inventory.namespaces, gateways);
    return { services, workloads, namespaces: { findings: tellNamespaces(services, workloads, gateways) } };
  };
}

function enrolAll<T>(
  all: Iterable<T>,
  namespaceOf: (each: T) => string,
  decide: (each: T) => Outcome,
  note?: (each: T, waypoint: WaypointGateway) => void,
): Enrolled<T> {
  const byWaypoint = new Map<string, T[]>();
  const inherited = new Map<string, { enrolment: Refused; namespace: string }>();
  const findings: Finding[] = [];
  const statuses: ResourceStatus[] = [];
  for (const each of all) {
    const { enrolment, status, findings: own } = decide(each);
    findings.push(...own);
    if (status !== undefined) statuses.push(status);
    if (
      enrolment.kind === 'refused' &&
      enrolment.via === 'namespace' &&
      enrolment.reason !== 'UnsupportedTrafficType'
    ) {
      const namespace = namespaceOf(each);
      inherited.set(`${namespace} ${enrolment.reason}`, { enrolment, namespace });
    }
    if (enrolment.kind === 'bound') {
      push(byWaypoint, enrolment.waypoint.key, each);
      note?.(each, enrolment.waypoint);
    }
  }
  return { byWaypoint, inherited, findings, statuses };
}

const notEnrolled: Outcome = { enrolment: { kind: 'none' }, status: undefined, findings: none };

type Refused = Extract<Enrolment, { kind: 'refused' }>;

function ofService(
  known: KnownService,
  labels: Parameters<typeof enrol>[0]['namespaceLabels'],
  gateways: Gateways,
): Outcome {
  const { metadata } = known.service;
  const enrolment = enrol(
    { namespace: metadata.namespace, labels: metadata.labels, namespaceLabels: labels, traffic: 'service' },
    gateways,
  );
  if (enrolment.kind === 'none') return notEnrolled;
  const ref = refOf(known.service);
  const findings =
    enrolment.kind === 'bound'
      ? (known.withoutAddress ?? none)
      : refusalFindings(ref, `service ${metadata.name}`, enrolment, gateways);
  return { enrolment, status: boundStatus(ref, enrolment, gateways), findings };
}

/** A pod that is not a member only because its namespace's waypoint is for services needs no word about it. */
function ofWorkload(
  workload: KnownWorkload,
  labels: Parameters<typeof enrol>[0]['namespaceLabels'],
  gateways: Gateways,
): Outcome {
  const enrolment = enrol(
    { namespace: workload.namespace, labels: workload.labels, namespaceLabels: labels, traffic: 'workload' },
    gateways,
  );
  if (enrolment.kind === 'none') return notEnrolled;
  const ref = { kind: workload.kind, namespace: workload.namespace, name: workload.name };
  const own = enrolment.kind === 'bound' || (enrolment.kind === 'refused' && enrolment.via === 'own');
  return {
    enrolment,
    status: own ? boundStatus(ref, enrolment, gateways) : undefined,
    findings: refusalFindings(ref, `${workload.kind} ${workload.name}`, enrolment, gateways),
  };
}

function boundStatus(resource: ResourceRef, enrolment: Enrolment, gateways: Gateways): ResourceStatus | undefined {
  switch (enrolment.kind) {
    case 'none':
    case 'foreign':
      return undefined;
    case 'bound':
      return resourceStatus(resource, { conditions: enrolment.waypoint.bound });
    case 'refused': {
      const why = explain(enrolment, gateways).status;
      return resourceStatus(resource, { conditions: [condition(waypointBound, false, enrolment.reason, why)] });
    }
  }
}

function refusalFindings(
  resource: ResourceRef,
  who: string,
  enrolment: Enrolment,
  gateways: Gateways,
): readonly Finding[] {
  return enrolment.kind === 'refused' && enrolment.via === 'own'
    ? [refusalFinding(resource, who, enrolment, gateways)]
    : none;
}

const codeOf: Readonly<Record<RefusalReason, string>> = {
  AttachmentDenied: 'PTL1211',
  UnsupportedTrafficType: 'PTL1212',
  WaypointIsNotReady: 'PTL1201',
};

function refusalFinding(resource: ResourceRef, who: string, enrolment: Refused, gateways: Gateways): Finding {
  const { status, expected, next } = explain(enrolment, gateways);
  return {
    code: codeOf[enrolment.reason],
    level: 'error',
    resource,
    path: 'metadata.labels[istio.io/use-waypoint]',
    message: `${who} cannot use waypoint ${enrolment.wanted}: ${status}`,
    expected,
    came: enrolment.wanted,
    effect: 'its traffic goes straight to the pods; no policy and no route of a waypoint applies',
    next,
  };
}

function explain(
  { wanted, reason }: Refused,
  gateways: Gateways,
): { readonly status: string; readonly expected: string; readonly next: string } {
  const waypoint = gateways.waypoints.get(wanted);
  switch (reason) {
    case 'AttachmentDenied':
      return {
        status: `waypoint "${wanted}" does not permit this namespace to attach (missing allowedRoutes?)`,
        expected: `a namespace that it admits: ${describeAllowed(waypoint?.allowed)}`,
        next: `add the namespace to listeners[].allowedRoutes.namespaces of Gateway ${wanted}`,
      };
    case 'UnsupportedTrafficType':
      return {
        status: `waypoint "${wanted}" takes traffic of type "${waypoint?.traffic ?? 'none'}" only`,
        expected: 'a waypoint for this kind of traffic',
        next: `set istio.io/waypoint-for: all on Gateway ${wanted}`,
      };
    case 'WaypointIsNotReady':
      return {
        status: waypoint === undefined ? `waypoint "${wanted}" does not exist` : `waypoint "${wanted}" is not ready`,
        expected: waypoint === undefined ? 'the name of a Gateway of a waypoint class' : 'a waypoint that serves',
        next: waypoint === undefined ? `create Gateway ${wanted}, or correct the label` : `correct Gateway ${wanted}`,
      };
  }
}
