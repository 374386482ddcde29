import type { GatewayClass } from '#resources/gateway-class.ts';
import { permits } from './backend-ref.ts';
import type { Gateways } from './gateways.ts';
import { roleOfClass } from './gateway-class.ts';
import { waypointPrincipal } from './enrolled-pods.ts';
import type { HttpRoutes } from './http-routes.ts';
import type { Inventory } from './inventory.ts';
import { none, Slot, step } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import type { Surroundings } from './policy-status.ts';
import { mightSelectWaypoint, selectsWaypoint } from './tunnel-policy.ts';
import type { KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';
import type { Services } from './services.ts';

/** Makes the step that gathers what policies can be attached to. */
export function createSurroundings(
  options: TranslateOptions,
): (
  services: Services,
  classes: ReadonlyMap<string, GatewayClass>,
  gateways: Gateways,
  waypointOf: ReadonlyMap<KnownService, WaypointGateway>,
  grants: Inventory['grants'],
  routes: HttpRoutes['byName'],
) => Surroundings {
  const principals = new Slot<ReadonlySet<string>>();
  const trustDomains = [options.trustDomain, ...options.trustDomainAliases];
  return step((services, classes, gateways, waypointOf, grants, routes): Surroundings => {
    const { waypoints, others } = gateways;
    const isWaypointClass = (name: string) => roleOfClass(name, classes, options) === 'waypoint';
    const identities = [...waypoints.values()].map((each) => waypointPrincipal(each, options.trustDomain));
    const waypointPrincipals = principals.get(identities, () => new Set(identities));
    return {
      rootNamespace: options.rootNamespace,
      trustDomains,
      services,
      waypointOf,
      waypoints,
      otherGateways: others,
      isWaypointClass,
      waypointPrincipals,
      tunnelsOf: (resource) =>
        options.layeredAuthorization
          ? [...waypoints.values()]
              .filter((each) =>
                'raw' in resource
                  ? mightSelectWaypoint(resource, each, options.rootNamespace)
                  : selectsWaypoint(resource, each, options.rootNamespace, waypointPrincipals),
              )
              .map(({ key }) => key)
          : none,
      routes,
      mayTarget: (from, { group, kind, name, namespace }) =>
        namespace === undefined ||
        namespace === from ||
        permits(grants.get(namespace), 'AuthorizationPolicy', from, group, kind, name),
      lookUp: ({ metadata }, targets) => {
        if (targets.length === 0) return options.layeredAuthorization ? [waypoints] : [waypointPrincipals];
        return targets.flatMap(({ kind, name, namespace: other }): readonly unknown[] => {
          const namespace = other ?? metadata.namespace;
          const granted = other === undefined ? [] : [grants.get(other)];
          switch (kind) {
            case 'Gateway':
              return [...granted, waypoints.get(`${namespace}/${name}`), others.has(`${namespace}/${name}`)];
            case 'Service': {
              const service = services.get(namespace, name);
              return [...granted, service, service === undefined ? undefined : waypointOf.get(service)];
            }
            case 'ServiceEntry': {
              const hosts = services.ofEntry(namespace, name) ?? [];
              return [...granted, ...hosts.flatMap((host) => [host, waypointOf.get(host)])];
            }
            case 'HTTPRoute':
              return [...granted, routes.get(`${kind}/${namespace}/${name}`)];
            default:
              return [isWaypointClass(name)];
          }
        });
      },
    };
  });
}
