import type { GatewayClass } from '#resources/gateway-class.ts';
import { permits } from './backend-ref.ts';
import type { AuthzProviders } from './authz-providers.ts';
import type { Gateways } from './gateways.ts';
import { roleOfClass } from './gateway-class.ts';
import { waypointPrincipal } from './enrolled-pods.ts';
import type { HttpRoutes } from './http-routes.ts';
import type { Inventory } from './inventory.ts';
import { none, Slot, step } from './memo.ts';
import type { MeshConfig } from './mesh-config.ts';
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
  mesh: MeshConfig,
  providers: AuthzProviders,
  services: Services,
  classes: ReadonlyMap<string, GatewayClass>,
  gateways: Gateways,
  waypointOf: ReadonlyMap<KnownService, WaypointGateway>,
  grants: Inventory['grants'],
  routes: HttpRoutes['byName'],
) => Surroundings {
  const principals = new Slot<ReadonlySet<string>>();
  return step((mesh, providers, services, classes, gateways, waypointOf, grants, routes): Surroundings => {
    const { waypoints, others } = gateways;
    const isWaypointClass = (name: string) => roleOfClass(name, classes, options) === 'waypoint';
    const identities = [...waypoints.values()].map((each) => waypointPrincipal(each, options.trustDomain));
    const waypointPrincipals = principals.get(identities, () => new Set(identities));
    return {
      mesh,
      providers,
      trustDomains: [options.trustDomain, ...mesh.trustDomainAliases],
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
                  ? mightSelectWaypoint(resource, each, mesh.rootNamespace)
                  : selectsWaypoint(resource, each, mesh.rootNamespace, waypointPrincipals),
              )
              .map(({ key }) => key)
          : none,
      routes,
      mayTarget: (from, { group, kind, name, namespace }) =>
        namespace === undefined ||
        namespace === from ||
        permits(grants.get(namespace), 'AuthorizationPolicy', from, group, kind, name),
      lookUp(resource, targets) {
        const home = resource.metadata.namespace;
        const found: unknown[] = [resource, mesh, providers];
        if (targets.length === 0) found.push(options.layeredAuthorization ? waypoints : waypointPrincipals);
        for (const { kind, name, namespace: other } of targets) {
          const namespace = other ?? home;
          if (other !== undefined) found.push(grants.get(other));
          if (kind === 'Gateway') {
            found.push(waypoints.get(`${namespace}/${name}`), others.has(`${namespace}/${name}`));
          } else if (kind === 'Service') {
            const service = services.get(namespace, name);
            found.push(service, service === undefined ? undefined : waypointOf.get(service));
          } else if (kind === 'ServiceEntry') {
            for (const host of services.ofEntry(namespace, name) ?? none) found.push(host, waypointOf.get(host));
          } else if (kind === 'HTTPRoute') {
            found.push(routes.get(`${kind}/${namespace}/${name}`));
          } else found.push(isWaypointClass(name));
        }
        return found;
      },
    };
  });
}
