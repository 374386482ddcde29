import type { AuthzPolicySet } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { ServicePort } from '#model/waypoint.ts';
import type { VirtualService } from '#resources/virtual-service.ts';
import { type BackendUse, useBackend } from './backend.ts';
import type { Destinations } from './destinations.ts';
import { resolveHost } from './host.ts';
import type { Translated } from './http-route.ts';
import type { HttpRoutes } from './http-routes.ts';
import { Memo, none, Slot } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import { type Enforcer, type Policies, policySet } from './policies.ts';
import { defaultRoute, mergeRoutes, withOwnBackend } from './port-routes.ts';
import { scopedEnforcers, type ScopedEnforcer } from './route-policies.ts';
import type { KnownPort, KnownService } from './service.ts';
import type { VirtualServices } from './virtual-services.ts';
import { translateVirtualService, type VirtualServiceContext } from './virtual-service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';
import type { Services } from './services.ts';

/** All that decides about a port. */
export interface PortSources {
  readonly services: Services;
  readonly waypointOf: ReadonlyMap<KnownService, WaypointGateway>;
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

/** What is remembered of one port. `whole` answers when nothing at all changed, which is nearly always. */
class PortMemo {
  readonly whole = new Slot<PortResult>();
  readonly table = new Slot<Translated>();
  readonly virtual = new Slot<Translated>();
  readonly scoped = new Slot<readonly ScopedEnforcer[]>();
  readonly authz = new Slot<AuthzPolicySet>();
  readonly port = new Slot<ServicePort>();
}

/** Puts the service ports of one waypoint together; one is the same object until something that decides changes. */
export class Ports {
  readonly #options: TranslateOptions;
  readonly #memos = new Memo<PortMemo>();

  constructor(options: TranslateOptions) {
    this.#options = options;
  }

  /** `shared` are the policies of the whole waypoint. */
  make(
    waypoint: WaypointGateway,
    service: KnownService,
    port: KnownPort,
    addresses: readonly string[],
    shared: readonly Enforcer[],
    from: PortSources,
  ): PortResult {
    const memo = this.#memos.get(port.key, none, () => new PortMemo());
    const enforcers = from.policies.ofService(service, waypoint, shared);
    const resource = from.virtualServices.byService.get(service);
    const inputs: unknown[] = [
      service,
      port,
      addresses,
      from.routes.byService.get(service),
      from.routes.byWaypoint.get(waypoint.key),
      from.policies.ofRoutes,
    ];
    if (resource !== undefined) inputs.push(resource, from.services, from.waypointOf, from.destinations);
    return memo.whole.get([...inputs, ...enforcers], () => {
      const table = this.#table(memo, waypoint, service, port, from);
      const { ofRoutes } = from.policies;
      const scoped = memo.scoped.get([table.routes, ofRoutes], () => scopedEnforcers(table.routes, ofRoutes));
      const authz = memo.authz.get([port.protocol, scoped, ...enforcers], () =>
        policySet(enforcers, port.protocol, scoped),
      );
      const made = memo.port.get([port, addresses, table, authz], () => ({
        service: service.name,
        port: port.port,
        addresses,
        protocol: port.protocol,
        ...(port.tls === undefined ? {} : { tls: port.tls }),
        backend: table.uses[0]!.name,
        routes: table.routes,
        authz,
      }));
      return { port: made, uses: table.uses, findings: table.findings };
    });
  }

  sweep(): void {
    this.#memos.sweep();
  }

  /** The first of `uses` is the service's own backend. HTTPRoutes of a service come before everything else. */
  #table(
    memo: PortMemo,
    waypoint: WaypointGateway,
    service: KnownService,
    port: KnownPort,
    from: PortSources,
  ): Translated {
    const { table } = memo;
    if (port.protocol === 'tcp') {
      return table.get([service, port], () => ({ routes: none, uses: [own(service, port)], findings: none }));
    }
    const attached = routesOf(service, port, from.routes);
    if (attached.length > 0) {
      return table.get([service, port, ...attached], () => withOwn(service, port, mergeRoutes(attached, 'precedence')));
    }
    const resource = from.virtualServices.byService.get(service);
    if (resource !== undefined) {
      const virtual = this.#virtualService(memo, waypoint, resource, port, from);
      return table.get([service, port, virtual], () => {
        const merged = withOwn(service, port, mergeRoutes([virtual], 'as written'));
        return { ...merged, findings: [...virtual.findings, ...merged.findings] };
      });
    }
    const whole = from.routes.byWaypoint.get(waypoint.key) ?? none;
    return table.get([service, port, ...whole], () => {
      const merged = withOwn(service, port, mergeRoutes(whole, 'precedence'));
      const backend = merged.uses[0]!.name;
      return { ...merged, routes: [...withOwnBackend(merged.routes, backend), defaultRoute(backend)] };
    });
  }

  #virtualService(
    memo: PortMemo,
    waypoint: WaypointGateway,
    resource: VirtualService,
    port: KnownPort,
    from: PortSources,
  ): Translated {
    const { namespace } = waypoint.gateway.metadata;
    const context: VirtualServiceContext = {
      clusterDomain: this.#options.clusterDomain,
      port: port.port,
      services: from.services,
      attached: (service) => from.waypointOf.get(service) === waypoint,
      destinationOf: (service) => from.destinations.of(service, namespace),
    };
    const inputs = [resource, port, ...destinationInputs(resource, context)];
    return memo.virtual.get(inputs, () => translateVirtualService(resource, context));
  }
}

const own = (service: KnownService, port: KnownPort): BackendUse => useBackend(service, port, undefined, true);

const withOwn = (service: KnownService, port: KnownPort, merged: Translated): Translated => ({
  ...merged,
  uses: [own(service, port), ...merged.uses],
});

/** A route may come by two parentRefs, one with the port and one without, and counts once. */
function routesOf(service: KnownService, port: KnownPort, routes: HttpRoutes): readonly Translated[] {
  const found: Translated[] = [];
  for (const { port: only, translated } of routes.byService.get(service) ?? none) {
    if ((only === undefined || only === port.port) && !found.includes(translated)) found.push(translated);
  }
  return found;
}

/** What the destinations of a VirtualService resolve to: the inputs of its translation. */
function destinationInputs({ metadata, spec }: VirtualService, context: VirtualServiceContext): readonly unknown[] {
  return spec.http.flatMap(({ route }) =>
    route.flatMap(({ destination }) => {
      const named = resolveHost(destination.host, metadata.namespace, context.clusterDomain);
      const service = named && context.services.get(named.namespace, named.name);
      return service === undefined
        ? [undefined]
        : [service, context.attached(service), context.destinationOf(service.key)];
    }),
  );
}
