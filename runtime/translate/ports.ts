import type { JwtRule } from '#model/authn.ts';
import type { AuthzPolicySet } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { ServicePort } from '#model/waypoint.ts';
import type { VirtualService } from '#resources/virtual-service.ts';
import type { Addresses } from './addresses.ts';
import type { AuthzProviders } from './authz-providers.ts';
import { type BackendUse, useBackend } from './backend.ts';
import type { Destinations } from './destinations.ts';
import { findService } from './host.ts';
import type { Translated } from './http-route.ts';
import type { AttachedRoute, HttpRoutes } from './http-routes.ts';
import { Memo, none, sameItems, Slot } from './memo.ts';
import type { MeshConfig } from './mesh-config.ts';
import type { TranslateOptions } from './options.ts';
import { type Enforcer, type Policies, policySet } from './policies.ts';
import { claimFindings } from './claim-route.ts';
import { defaultRoute, mergeRoutes, withOwnBackend } from './port-routes.ts';
import { type Authenticator, jwtRules, type RequestAuthentications } from './request-authentications.ts';
import { type RoutePolicies, scopedEnforcers, type ScopedEnforcer } from './route-policies.ts';
import type { KnownPort, KnownService } from './service.ts';
import type { VirtualServices } from './virtual-services.ts';
import { translateVirtualService, type VirtualServiceContext } from './virtual-service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';
import type { Services } from './services.ts';

/** All that decides about a port. */
export interface PortSources {
  readonly mesh: MeshConfig;
  readonly services: Services;
  readonly waypointOf: ReadonlyMap<KnownService, WaypointGateway>;
  readonly routes: HttpRoutes;
  readonly virtualServices: VirtualServices;
  readonly destinations: Destinations;
  readonly policies: Policies;
  readonly providers: AuthzProviders;
  readonly authentications: RequestAuthentications;
}

export interface PortResult {
  readonly port: ServicePort;
  readonly uses: readonly BackendUse[];
  readonly findings: readonly Finding[];
}

/** One waypoint, and what decides about its ports. */
interface Scope {
  readonly waypoint: WaypointGateway;
  /** Policies of the whole waypoint. */
  readonly shared: readonly Enforcer[];
  /** And who checks tokens for all of it. */
  readonly sharedAuthn: readonly Authenticator[];
  /** Routes of the whole waypoint. */
  readonly whole: readonly Translated[] | undefined;
  readonly from: PortSources;
  readonly referents: Referents;
  readonly context: VirtualServiceContext;
}

/** Lists with the same items as the last ones are the same. */
function listsOf(results: readonly PortResult[], last: Last | undefined): PortLists {
  if (results === last?.results) return last.lists;
  const { lists } = last ?? { lists: undefined };
  return {
    ports: results.map(({ port }) => port),
    uses: same(
      lists?.uses,
      results.map(({ uses }) => uses),
    ),
    findings: same(
      lists?.findings,
      results.flatMap(({ findings }) => findings),
    ),
  };
}

const same = <T>(before: readonly T[] | undefined, now: readonly T[]): readonly T[] =>
  before !== undefined && sameItems(before, now) ? before : now;

type Referents = Pick<PortSources, 'services' | 'waypointOf' | 'destinations'>;

/** What was made of all ports of the waypoint. */
interface PortLists {
  readonly ports: readonly ServicePort[];
  readonly uses: readonly (readonly BackendUse[])[];
  readonly findings: readonly Finding[];
}

/** The last lists, and what they were made of. */
interface Last {
  readonly services: readonly KnownService[];
  readonly addresses: Addresses;
  readonly scope: Pick<Scope, 'shared' | 'whole' | 'referents'>;
  readonly authentications: RequestAuthentications;
  readonly routes: HttpRoutes;
  readonly virtualServices: VirtualServices;
  readonly policies: object;
  readonly results: readonly PortResult[];
  readonly lists: PortLists;
}

/** What a port was made of, in single fields: they are asked for each port on each edit, which must leave no garbage. */
interface Made {
  readonly service: KnownService;
  readonly port: KnownPort;
  readonly addresses: readonly string[];
  readonly routes: readonly AttachedRoute[] | undefined;
  readonly whole: readonly Translated[] | undefined;
  readonly resource: VirtualService | undefined;
  /** What its destinations are looked up in; undefined where there are none. */
  readonly referents: Referents | undefined;
  readonly enforcers: readonly Enforcer[];
  readonly ofRoutes: RoutePolicies;
  readonly authenticators: readonly Authenticator[];
  readonly result: PortResult;
}

/** What is remembered of one port. `made` answers when nothing at all changed, which is nearly always. */
class PortMemo {
  made: Made | undefined;
  readonly table = new Slot<Translated>();
  readonly virtual = new Slot<Translated>();
  readonly scoped = new Slot<readonly ScopedEnforcer[]>();
  readonly authz = new Slot<AuthzPolicySet>();
  readonly authn = new Slot<readonly JwtRule[] | undefined>();
  readonly port = new Slot<ServicePort>();
}

const newPortMemo = (): PortMemo => new PortMemo();

/** Puts the service ports of one waypoint together; one is the same object until something that decides changes. */
export class Ports {
  readonly #options: TranslateOptions;
  readonly #memos = new Memo<PortMemo>();
  #last: Last | undefined;

  constructor(options: TranslateOptions) {
    this.#options = options;
  }

  /** All ports of these services, in their order. An edit of policies asks for the ports alone that it is about. */
  all(
    services: readonly KnownService[],
    addresses: Addresses,
    waypoint: WaypointGateway,
    shared: readonly Enforcer[],
    sharedAuthn: readonly Authenticator[],
    from: PortSources,
  ): PortLists {
    const scope = this.#scope(waypoint, shared, sharedAuthn, from);
    const results = this.#edited(services, addresses, scope) ?? this.#whole(services, addresses, scope);
    const { routes, virtualServices, policies, authentications } = from;
    const lists = listsOf(results, this.#last);
    const { whole, referents } = scope;
    const asked = { shared, whole, referents };
    const { mark } = policies;
    this.#last = {
      services,
      addresses,
      scope: asked,
      authentications,
      routes,
      virtualServices,
      policies: mark,
      results,
      lists,
    };
    return lists;
  }

  #whole(services: readonly KnownService[], addresses: Addresses, scope: Scope): readonly PortResult[] {
    const results: PortResult[] = [];
    for (const service of services) {
      for (const port of service.ports) {
        const own = addresses.of(service, port);
        if (own.length > 0) results.push(this.#port(service, port, own, scope));
      }
    }
    this.#memos.sweep();
    return results;
  }

  /** The last results with those of a few services made again; undefined when more than policies changed. */
  #edited(services: readonly KnownService[], addresses: Addresses, scope: Scope): readonly PortResult[] | undefined {
    const last = this.#last;
    const { policies, routes, virtualServices, authentications } = scope.from;
    if (
      last?.services !== services ||
      last.addresses !== addresses ||
      last.routes !== routes ||
      last.virtualServices !== virtualServices ||
      last.authentications !== authentications ||
      last.scope.whole !== scope.whole ||
      !sameItems(last.scope.shared, scope.shared) ||
      !sameReferents(last.scope.referents, scope.referents)
    )
      return undefined;
    if (policies.mark === last.policies) return last.results;
    if (policies.edit?.since !== last.policies) return undefined;
    const results = [...last.results];
    for (const service of policies.edit.services) {
      let at = results.findIndex(({ port }) => port.service === service.name);
      for (const port of at < 0 ? none : service.ports) {
        const own = addresses.of(service, port);
        if (own.length > 0) results[at++] = this.#port(service, port, own, scope);
      }
    }
    return results;
  }

  /** What the making of one port needs to know of all together. */
  #scope(
    waypoint: WaypointGateway,
    shared: readonly Enforcer[],
    sharedAuthn: readonly Authenticator[],
    from: PortSources,
  ): Scope {
    const { namespace } = waypoint.gateway.metadata;
    const { services, waypointOf, destinations } = from;
    const context: VirtualServiceContext = {
      clusterDomain: this.#options.clusterDomain,
      services,
      attached: (service) => waypointOf.get(service) === waypoint,
      destinationOf: (service) => destinations.of(service, namespace),
    };
    const whole = from.routes.byWaypoint.get(waypoint.key);
    return { waypoint, shared, sharedAuthn, whole, from, referents: { services, waypointOf, destinations }, context };
  }

  #port(service: KnownService, port: KnownPort, addresses: readonly string[], scope: Scope): PortResult {
    const { waypoint, shared, sharedAuthn, whole, from, referents } = scope;
    const memo = this.#memos.get(port.key, none, newPortMemo);
    const enforcers = from.policies.ofService(service, waypoint, shared);
    const authenticators = from.authentications.ofService(service, waypoint, sharedAuthn);
    const routes = from.routes.byService.get(service);
    const resource = from.virtualServices.byService.get(service);
    const { made } = memo;
    if (
      made !== undefined &&
      made.service === service &&
      made.port === port &&
      made.addresses === addresses &&
      made.routes === routes &&
      made.whole === whole &&
      made.resource === resource &&
      (made.referents === undefined || sameReferents(made.referents, referents)) &&
      sameItems(made.enforcers, enforcers) &&
      made.ofRoutes === from.policies.ofRoutes &&
      sameItems(made.authenticators, authenticators)
    )
      return made.result;
    const result = this.#make(memo, service, port, addresses, resource, enforcers, authenticators, scope);
    const asked = resource === undefined ? undefined : referents;
    memo.made = {
      service,
      port,
      addresses,
      routes,
      whole,
      resource,
      referents: asked,
      enforcers,
      ofRoutes: from.policies.ofRoutes,
      authenticators,
      result,
    };
    return result;
  }

  #make(
    memo: PortMemo,
    service: KnownService,
    port: KnownPort,
    addresses: readonly string[],
    resource: VirtualService | undefined,
    enforcers: readonly Enforcer[],
    authenticators: readonly Authenticator[],
    scope: Scope,
  ): PortResult {
    const table = this.#table(memo, service, port, resource, scope);
    const { ofRoutes } = scope.from.policies;
    const scoped = memo.scoped.get([table.routes, ofRoutes], () => scopedEnforcers(table.routes, ofRoutes));
    const authz = memo.authz.get([port.protocol, scoped, ...enforcers], () =>
      policySet(enforcers, port.protocol, scoped),
    );
    const authn = port.protocol === 'tcp' ? undefined : memo.authn.get(authenticators, () => jwtRules(authenticators));
    const made = memo.port.get([port, addresses, table, authz, authn], () => ({
      service: service.name,
      port: port.port,
      addresses,
      protocol: port.protocol,
      ...(port.tls === undefined ? {} : { tls: port.tls }),
      backend: table.uses[0]!.name,
      routes: table.routes,
      authz,
      ...(authn === undefined ? {} : { authn }),
    }));
    const claims = claimFindings(made);
    return {
      port: made,
      uses: authenticators.length === 0 ? table.uses : [...table.uses, ...authenticators.flatMap((each) => each.uses)],
      findings: claims.length === 0 ? table.findings : [...table.findings, ...claims],
    };
  }

  /** The first of `uses` is the service's own backend. HTTPRoutes of a service come before everything else. */
  #table(
    memo: PortMemo,
    service: KnownService,
    port: KnownPort,
    resource: VirtualService | undefined,
    { whole = none, from, context }: Scope,
  ): Translated {
    const { table } = memo;
    if (port.protocol === 'tcp') {
      return table.get([service, port], () => ({ routes: none, uses: [own(service, port)], findings: none }));
    }
    const attached = routesOf(service, port, from.routes);
    if (attached.length > 0) {
      return table.get([service, port, ...attached], () => withOwn(service, port, mergeRoutes(attached, 'precedence')));
    }
    if (resource !== undefined) {
      const inputs = [resource, port, ...destinationInputs(resource, context)];
      const virtual = memo.virtual.get(inputs, () => translateVirtualService(resource, port.port, context));
      return table.get([service, port, virtual], () => {
        const merged = withOwn(service, port, mergeRoutes([virtual], 'as written'));
        if (virtual.findings.length === 0) return merged;
        return { ...merged, findings: [...virtual.findings, ...merged.findings] };
      });
    }
    return table.get([service, port, ...whole], () => {
      const merged = withOwn(service, port, mergeRoutes(whole, 'precedence'));
      const backend = merged.uses[0]!.name;
      return { ...merged, routes: [...withOwnBackend(merged.routes, backend), defaultRoute(backend)] };
    });
  }
}

const sameReferents = (a: Referents, b: Referents): boolean =>
  a.services === b.services && a.waypointOf === b.waypointOf && a.destinations === b.destinations;

const own = (service: KnownService, port: KnownPort): BackendUse => useBackend(service, port, undefined, true);

const withOwn = (service: KnownService, port: KnownPort, { routes, uses, findings }: Translated): Translated => ({
  routes,
  uses: [own(service, port), ...uses],
  findings,
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
  const inputs: unknown[] = [];
  for (const { route } of spec.http) {
    for (const { destination } of route) {
      const service = findService(destination.host, metadata.namespace, context.services, context.clusterDomain);
      inputs.push(service);
      if (service !== undefined) inputs.push(context.attached(service), context.destinationOf(service));
    }
  }
  return inputs;
}
