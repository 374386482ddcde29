import type { ResourceSet } from '#resources/resource-set.ts';
import { createEnrolments } from './enrolments.ts';
import { createGateways } from './gateways.ts';
import { createInventory, type Inventory } from './inventory.ts';
import { label, type Labels } from './label-selector.ts';
import { none } from './memo.ts';
import { defaultOptions, type TranslateOptions } from './options.ts';
import { compare } from './route-order.ts';
import type { KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/** A service and the waypoint that it is enrolled to. */
export interface EnrolledService {
  readonly service: KnownService;
  readonly waypoint: WaypointGateway;
}

/** Who is enrolled to which waypoint, for whatever is asked about a mesh once and not with each of its changes. */
export interface EnrolledPods {
  readonly inventory: Inventory;
  /** Sorted by namespace and name. */
  readonly services: readonly EnrolledService[];
  /** Waypoints for workloads, by the namespaces that are enrolled as a whole. */
  readonly namespaces: ReadonlyMap<string, readonly WaypointGateway[]>;
}

export function enrolledPods(resources: ResourceSet, options: Partial<TranslateOptions> = {}): EnrolledPods {
  const settings = { ...defaultOptions, ...options };
  const inventory = createInventory(settings)(resources);
  const gateways = createGateways(settings)(resources.of('Gateway'), inventory.classes);
  const { services, workloads } = createEnrolments()(inventory, gateways);
  const namespaces = new Map<string, readonly WaypointGateway[]>();
  for (const waypoint of gateways.waypoints.values()) {
    for (const { namespace, labels } of workloads.byWaypoint.get(waypoint.key) ?? none) {
      const known = namespaces.get(namespace) ?? none;
      const inherited = label(labels, 'istio.io/use-waypoint') === undefined;
      if (inherited && !known.includes(waypoint)) namespaces.set(namespace, [...known, waypoint]);
    }
  }
  return {
    inventory,
    services: [...services.waypointOf]
      .map(([service, waypoint]) => ({ service, waypoint }))
      .sort(({ service: a }, { service: b }) => compare(a.key, b.key)),
    namespaces,
  };
}

/** As a policy names it: `cluster.local/ns/bookinfo/sa/waypoint`. A waypoint runs under an account of its own name. */
export function waypointPrincipal({ gateway }: WaypointGateway, trustDomain: string): string {
  const { namespace, name, annotations } = gateway.metadata;
  const account = label(annotations, 'gateway.istio.io/service-account') ?? name;
  return `${trustDomain}/ns/${namespace}/sa/${account}`;
}

/** Every label that the one demands, the other demands too. */
export const isWithin = (narrow: Labels, wide: Labels): boolean =>
  Object.entries(wide).every(([key, value]) => label(narrow, key) === value);
