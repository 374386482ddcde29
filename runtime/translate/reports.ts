import type { Finding, ResourceRef } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { InvalidResource } from '#resources/resource.ts';
import type { Gateways } from './gateways.ts';
import { classStatus } from './gateway-class.ts';
import type { HttpRoutes } from './http-routes.ts';
import { invalidStatus } from './invalid-status.ts';
import { type Inventory, push } from './inventory.ts';
import { Memo, step } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import { compare } from './route-order.ts';
import { waypointStatus } from './waypoint-gateway.ts';

/** What a step has to say, besides its result. */
export interface Told {
  readonly findings: readonly Finding[];
  readonly statuses?: readonly ResourceStatus[];
}

export interface Report {
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
}

/** Makes the step for what no other step says: about classes, waypoints and namespaces. */
export function createRemarks(
  options: TranslateOptions,
): (inventory: Inventory, gateways: Gateways, routes: HttpRoutes, invalid: readonly InvalidResource[]) => Told {
  const missing = step(missingNamespaces);
  const statuses = step(
    (classes: Inventory['classes'], gateways: Gateways, routes: HttpRoutes, invalid: readonly InvalidResource[]) => [
      ...[...classes.values()].flatMap((each) => classStatus(each) ?? []),
      ...[...gateways.waypoints.values()].map((each) =>
        waypointStatus(each, routes.byWaypoint.get(each.key)?.length ?? 0),
      ),
      ...invalid.flatMap((each) => invalidStatus(each, gateways, classes, options)),
    ],
  );
  return ({ namespaces, services, workloads, classes }, gateways, routes, invalid) => ({
    findings: missing(namespaces, services, workloads),
    statuses: statuses(classes, gateways, routes, invalid),
  });
}

/** Makes the last step: gathers what all steps have to say. Statuses are sorted by kind, namespace and name. */
export function createReports(): (told: readonly Told[]) => Report {
  const findings = new Memo<readonly Finding[]>();
  const kinds = new Memo<ReturnType<typeof byKind>>();
  const statuses = new Memo<readonly ResourceStatus[]>();
  return (told) => {
    const ofFindings = told.map((each) => each.findings);
    const ofStatuses = told.flatMap((each) => (each.statuses === undefined ? [] : [each.statuses]));
    return {
      findings: findings.get('', ofFindings, () => distinct(ofFindings.flat())),
      statuses: statuses.get('', ofStatuses, () =>
        ordered(ofStatuses.map((list, index) => kinds.get(String(index), [list], () => byKind(list)))),
      ),
    };
  };
}

/** One finding may come by several ways: a route on two ports, a backend of two waypoints. */
function distinct(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Map<string, Finding>();
  for (const finding of findings) {
    const { kind = '', namespace = '', name = '' } = finding.resource ?? {};
    const key = [finding.code, kind, namespace, name, finding.path, finding.message].join(' ');
    if (!seen.has(key)) seen.set(key, finding);
  }
  return [...seen.values()];
}

const byResource = (a: ResourceRef, b: ResourceRef): number =>
  compare(a.namespace, b.namespace) || compare(a.name, b.name);

/** The statuses of one step by kind, each sorted. Resources come sorted, so there is mostly nothing to do. */
function byKind(list: readonly ResourceStatus[]): ReadonlyMap<string, readonly ResourceStatus[]> {
  const kinds = new Map<string, ResourceStatus[]>();
  for (const status of list) push(kinds, status.resource.kind, status);
  for (const statuses of kinds.values()) statuses.sort((a, b) => byResource(a.resource, b.resource));
  return kinds;
}

function ordered(parts: readonly ReadonlyMap<string, readonly ResourceStatus[]>[]): readonly ResourceStatus[] {
  const kinds = [...new Set(parts.flatMap((part) => [...part.keys()]))].sort(compare);
  return kinds.flatMap((kind) => {
    const lists = parts.flatMap((part) => (part.has(kind) ? [part.get(kind)!] : []));
    return lists.length === 1 ? lists[0]! : joined(lists.flat().sort((a, b) => byResource(a.resource, b.resource)));
  });
}

/** A route with parents in the mesh and on an ingress comes twice, and has one status. */
function joined(sorted: readonly ResourceStatus[]): readonly ResourceStatus[] {
  const result: ResourceStatus[] = [];
  for (const status of sorted) {
    const before = result.at(-1);
    if (before === undefined || byResource(before.resource, status.resource) !== 0) result.push(status);
    else result[result.length - 1] = { ...before, parents: [...before.parents, ...status.parents] };
  }
  return result;
}

/** Without its Namespace, a namespace has no labels: nobody in it is enrolled by them or in the mesh. */
function missingNamespaces(
  namespaces: Inventory['namespaces'],
  services: Inventory['services'],
  workloads: Inventory['workloads'],
): readonly Finding[] {
  const used = new Set<string>();
  for (const { name } of services.values()) used.add(name.namespace);
  for (const { namespace } of workloads.all) used.add(namespace);
  const missing = [...used].filter((namespace) => !namespaces.has(namespace)).sort(compare);
  return missing.map((namespace) => ({
    code: 'PTL1210',
    level: 'info',
    resource: { kind: 'Namespace', namespace: '', name: namespace },
    path: '',
    message: `namespace ${namespace} has services or pods and no Namespace object, so it has no labels`,
    expected: `a Namespace ${namespace}`,
    came: 'none',
    effect: 'nothing in it is enrolled or in the mesh by a label of its namespace',
    next: `kubectl get namespace ${namespace} -o yaml`,
  }));
}
