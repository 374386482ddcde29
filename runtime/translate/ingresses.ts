import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { Ingress } from '#model/waypoint.ts';
import type { Gateway } from '#resources/gateway.ts';
import type { HTTPRoute } from '#resources/http-route.ts';
import { resolveBackends } from './backend-ref.ts';
import { createBackends } from './backends.ts';
import type { Destinations } from './destinations.ts';
import type { Gateways } from './gateways.ts';
import { type Translated, translateRoute } from './http-route.ts';
import { ingressFindings, ingressListeners, ingressStatus, type ListenerRoute, resolveIngress } from './ingress.ts';
import { type Inventory, keyOf, namespaceLabels, push } from './inventory.ts';
import { Memo, step } from './memo.ts';
import { byAge } from './route-order.ts';
import { routeStatus, type Verdict } from './route-status.ts';
import type { KnownService } from './service.ts';

export interface Ingresses {
  readonly ingresses: readonly Ingress[];
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
}

type Attached = ListenerRoute & { readonly translated: Translated };

/** Makes the step for ingress gateways: what they would serve, with the statuses of their routes. */
export function createIngresses(): (
  routes: readonly HTTPRoute[],
  inventory: Inventory,
  gateways: Gateways,
  destinations: Destinations,
) => Ingresses {
  const backends = createBackends();
  const made = new Memo<Ingress>();
  const make = step(
    (
      all: readonly HTTPRoute[],
      ingresses: Gateways['ingresses'],
      destinations: Destinations,
      ...parts: InventoryParts
    ): Ingresses => {
      const inventory = inventoryOf(parts);
      const findings: Finding[] = [];
      const statuses: ResourceStatus[] = [];
      const attached = new Map<string, Attached[]>();
      const relevant =
        ingresses.size === 0 ? [] : all.filter((route) => gatewaysOf(route).some((key) => ingresses.has(key)));
      for (const route of relevant.toSorted(byAge))
        attachRoute(route, ingresses, inventory, attached, findings, statuses);
      const list = [...ingresses].map(([key, gateway]) => {
        const routes = attached.get(key) ?? [];
        const status = ingressStatus(gateway, (listener) => count(routes, listener), inventory.grants);
        statuses.push(status);
        findings.push(...ingressFindings(gateway, status));
        const { namespace, name } = gateway.metadata;
        const destinationOf = (service: KnownService) => destinations.of(service, namespace);
        const uses = [...new Set(routes.map(({ translated }) => translated.uses))];
        const found = backends.make(key, uses, inventory, destinationOf, destinations);
        const addresses = gateway.spec.addresses.map(({ value }) => value).filter((value) => value !== '');
        const listeners = ingressListeners(gateway, routes);
        return made.get(key, [{}], () => ({ namespace, name, addresses, listeners, backends: found.backends }));
      });
      backends.sweep();
      made.sweep();
      return { ingresses: list, findings, statuses };
    },
  );
  return (routes, inventory, gateways, destinations) =>
    make(routes, gateways.ingresses, destinations, ...partsOf(inventory));
}

/** The parts of an inventory one by one, so that a step is taken again only when one of them changes. */
type InventoryParts = readonly [
  Inventory['namespaces'],
  Inventory['classes'],
  Inventory['services'],
  Inventory['grants'],
  Inventory['workloads'],
  Inventory['slices'],
];

const partsOf = ({ namespaces, classes, services, grants, workloads, slices }: Inventory): InventoryParts => [
  namespaces,
  classes,
  services,
  grants,
  workloads,
  slices,
];

const inventoryOf = ([namespaces, classes, services, grants, workloads, slices]: InventoryParts): Inventory => ({
  namespaces,
  classes,
  services,
  grants,
  workloads,
  slices,
});

const gatewaysOf = ({ metadata, spec }: HTTPRoute): readonly string[] =>
  spec.parentRefs
    .filter(({ kind, group }) => kind === 'Gateway' && group === 'gateway.networking.k8s.io')
    .map(({ namespace, name }) => `${namespace ?? metadata.namespace}/${name}`);

function attachRoute(
  route: HTTPRoute,
  ingresses: ReadonlyMap<string, Gateway>,
  inventory: Inventory,
  attached: Map<string, Attached[]>,
  findings: Finding[],
  statuses: ResourceStatus[],
): void {
  const { namespace } = route.metadata;
  const referents = resolveBackends(route, inventory);
  const translated = translateRoute(route, referents, { attached: () => false, whole: false });
  findings.push(...translated.findings);
  const verdicts = route.spec.parentRefs.map((ref, index): Verdict => {
    const key = `${ref.namespace ?? namespace}/${ref.name}`;
    const gateway = ref.kind === 'Gateway' ? ingresses.get(key) : undefined;
    if (gateway === undefined) return { kind: 'other' };
    const found = resolveIngress(route, index, gateway, namespaceLabels(inventory, namespace));
    if ('reason' in found) {
      findings.push(found.finding);
      return found;
    }
    for (const place of found.places) push(attached, keyOf(gateway), { ...place, translated });
    return { kind: 'ingress' };
  });
  const status = routeStatus(route, verdicts, referents);
  if (status !== undefined) statuses.push(status);
}

/** How many routes a listener has; one with several host names counts once. */
const count = (routes: readonly Attached[], listener: ListenerRoute['listener']): number =>
  new Set(routes.filter((route) => route.listener === listener).map(({ translated }) => translated)).size;
