import type { Finding } from '#model/finding.ts';
import type { ServicePort } from '#model/waypoint.ts';
import type { VirtualService } from '#resources/virtual-service.ts';
import { type BackendUse, useBackend } from './backend.ts';
import type { Destination } from './destination-rule.ts';
import type { Destinations } from './destinations.ts';
import { resolveHost } from './host.ts';
import type { Translated } from './http-route.ts';
import type { HttpRoutes } from './http-routes.ts';
import { Memo } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import type { Policies } from './policies.ts';
import { defaultRoute, mergeRoutes, withOwnBackend } from './port-routes.ts';
import type { KnownPort, KnownService } from './service.ts';
import type { VirtualServices } from './virtual-services.ts';
import { translateVirtualService } from './virtual-service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/** All that decides about a port. */
export interface PortSources {
  readonly services: ReadonlyMap<string, KnownService>;
  readonly waypointOf: ReadonlyMap<string, WaypointGateway>;
  readonly routes: HttpRoutes;
  readonly virtualServices: VirtualServices;
  readonly destinations: Destinations;
  readonly policies: Policies;
}

export interface PortResult {
  readonly port: ServicePort;
  readonly uses: readonly BackendUse[];
  readonly findings: readonly Finding[];
}

export interface Ports {
  make(waypoint: WaypointGateway, service: KnownService, port: KnownPort, addresses: readonly string[], from: PortSources): PortResult;
  sweep(): void;
}

const none: readonly Translated[] = [];

/** Makes the part that puts service ports together; a port is the same object until something that decides changes. */
export function createPorts(options: TranslateOptions): Ports {
  const routeTables = new Memo<Translated>();
  const virtual = new Memo<Translated>();
  const results = new Memo<PortResult>();

  const table = (
    key: string,
    waypoint: WaypointGateway,
    service: KnownService,
    port: KnownPort,
    from: PortSources,
  ): Translated => {
    const own = (): BackendUse => useBackend(service, port, undefined, true);
    const attached = (from.routes.byService.get(service.key) ?? [])
      .filter((route) => route.port === undefined || route.port === port.port)
      .map(({ translated }) => translated);
    const http = port.protocol === 'tcp' ? none : attached;
    if (http.length > 0) {
      return routeTables.get(key, [service, port, 'routes', ...new Set(http)], () => {
        const merged = mergeRoutes([...new Set(http)], 'precedence');
        return { ...merged, uses: [own(), ...merged.uses] };
      });
    }
    const resource = port.protocol === 'tcp' ? undefined : from.virtualServices.byService.get(service.key);
    if (resource !== undefined) {
      const destinationOf = (key: string) => from.destinations.of(key, waypoint.gateway.metadata.namespace);
      const attachedHere = (key: string) => from.waypointOf.get(key) === waypoint;
      const context = { clusterDomain: options.clusterDomain, port: port.port, services: from.services, attached: attachedHere, destinationOf };
      const inputs = destinationInputs(resource, options.clusterDomain, from.services, attachedHere, destinationOf);
      const translated = virtual.get(key, [resource, port, ...inputs], () => translateVirtualService(resource, context));
      return routeTables.get(key, [service, port, 'virtual', translated], () => {
        const merged = mergeRoutes([translated], 'as written');
        return { ...merged, uses: [own(), ...merged.uses], findings: [...translated.findings, ...merged.findings] };
      });
    }
    const whole = port.protocol === 'tcp' ? none : (from.routes.byWaypoint.get(waypoint.key) ?? none);
    return routeTables.get(key, [service, port, 'default', ...whole], () => {
      const merged = mergeRoutes(whole, 'precedence');
      const backend = own();
      const routes = [...withOwnBackend(merged.routes, backend.name), defaultRoute(backend.name)];
      return { ...merged, routes: port.protocol === 'tcp' ? [] : routes, uses: [backend, ...merged.uses] };
    });
  };

  return {
    make(waypoint, service, port, addresses, from) {
      const key = `${service.name.host}:${port.port} ${waypoint.key}`;
      const routes = table(key, waypoint, service, port, from);
      const authz = from.policies.ofPort(key, service.key, waypoint, port.protocol);
      return results.get(key, [service, port, addresses, routes, authz], () => ({
        port: {
          service: service.name,
          port: port.port,
          addresses,
          protocol: port.protocol,
          backend: routes.uses[0]!.name,
          routes: routes.routes,
          authz,
        },
        uses: routes.uses,
        findings: routes.findings,
      }));
    },
    sweep() {
      for (const memo of [routeTables, virtual, results]) memo.sweep();
    },
  };
}

/** What the destinations of a VirtualService resolve to: the inputs of its translation. */
function destinationInputs(
  { metadata, spec }: VirtualService,
  clusterDomain: string,
  services: ReadonlyMap<string, KnownService>,
  attached: (service: string) => boolean,
  destinationOf: (service: string) => Destination | undefined,
): readonly unknown[] {
  return spec.http.flatMap(({ route }) =>
    route.flatMap(({ destination }) => {
      const named = resolveHost(destination.host, metadata.namespace, clusterDomain);
      const key = named === undefined ? '' : `${named.namespace}/${named.name}`;
      return [services.get(key), attached(key), destinationOf(key)];
    }),
  );
}
