import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { Gateways } from './gateways.ts';
import { classStatus } from './gateway-class.ts';
import type { HttpRoutes } from './http-routes.ts';
import type { Inventory } from './inventory.ts';
import { Memo } from './memo.ts';
import { compare } from './route-order.ts';
import { waypointStatus } from './waypoint-gateway.ts';

/** What a step has to say, besides its result. */
interface Told {
  readonly findings: readonly Finding[];
  readonly statuses?: readonly ResourceStatus[];
}

export interface Report {
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
}

/** Makes the step that gathers what all others have to say; statuses are sorted by kind, namespace and name. */
export function createReports(): (
  inventory: Inventory,
  gateways: Gateways,
  routes: HttpRoutes,
  told: readonly Told[],
) => Report {
  const memo = new Memo<Report>();
  return (inventory, gateways, routes, told) => {
    const parts = told.flatMap(({ findings, statuses }) => [findings, statuses]);
    const findings = missingNamespaces(inventory);
    const inputs = [inventory.namespaces, inventory.services, inventory.workloads, inventory.classes, gateways, routes];
    return memo.get('', [...inputs, ...parts], () => ({
      findings: distinct([...told.flatMap((each) => each.findings), ...findings]),
      statuses: joined([
        ...[...inventory.classes.values()].flatMap((each) => classStatus(each) ?? []),
        ...[...gateways.waypoints.values()].map((each) => waypointStatus(each, routes.byWaypoint.get(each.key)?.length ?? 0)),
        ...told.flatMap(({ statuses }) => statuses ?? []),
      ]),
    }));
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

/** A route with parents in the mesh and on an ingress has one status. */
function joined(statuses: readonly ResourceStatus[]): readonly ResourceStatus[] {
  const byResource = new Map<string, ResourceStatus>();
  for (const status of statuses) {
    const { kind, namespace, name } = status.resource;
    const key = `${kind} ${namespace} ${name}`;
    const other = byResource.get(key);
    byResource.set(key, other === undefined ? status : { ...other, parents: [...other.parents, ...status.parents] });
  }
  return [...byResource].sort(([a], [b]) => compare(a, b)).map(([, status]) => status);
}

/** Without its Namespace, a namespace has no labels: nobody in it is enrolled by them or in the mesh. */
function missingNamespaces({ namespaces, services, workloads }: Inventory): readonly Finding[] {
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
