import type { GatewayClass } from '#resources/gateway-class.ts';
import type { AuthzProviders } from './authz-providers.ts';
import type { Gateways } from './gateways.ts';
import { roleOfClass } from './gateway-class.ts';
import { step } from './memo.ts';
import type { MeshConfig } from './mesh-config.ts';
import type { TranslateOptions } from './options.ts';
import type { Surroundings } from './policy-status.ts';
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
) => Surroundings {
  return step((mesh, providers, services, classes, gateways, waypointOf): Surroundings => {
    const { waypoints, others } = gateways;
    const isWaypointClass = (name: string) => roleOfClass(name, classes, options) === 'waypoint';
    return {
      mesh,
      providers,
      trustDomains: [options.trustDomain, ...mesh.trustDomainAliases],
      services,
      waypointOf,
      waypoints,
      otherGateways: others,
      isWaypointClass,
      lookUp(resource, targets) {
        const { namespace } = resource.metadata;
        const found: unknown[] = [resource, mesh, providers];
        for (const { kind, name } of targets) {
          if (kind === 'Gateway') {
            found.push(waypoints.get(`${namespace}/${name}`), others.has(`${namespace}/${name}`));
          } else if (kind === 'Service') {
            const service = services.get(namespace, name);
            found.push(service, service === undefined ? undefined : waypointOf.get(service));
          } else found.push(isWaypointClass(name));
        }
        return found;
      },
    };
  });
}
