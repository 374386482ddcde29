import type { GatewayClass } from '#resources/gateway-class.ts';
import type { Gateways } from './gateways.ts';
import { roleOfClass } from './gateway-class.ts';
import { step } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import type { Surroundings } from './policy-status.ts';
import type { KnownService } from './service.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';

/** Makes the step that gathers what policies can be attached to. */
export function createSurroundings(
  options: TranslateOptions,
): (
  services: ReadonlyMap<string, KnownService>,
  classes: ReadonlyMap<string, GatewayClass>,
  gateways: Gateways,
  waypointOf: ReadonlyMap<KnownService, WaypointGateway>,
) => Surroundings {
  return step((services, classes, gateways, waypointOf): Surroundings => {
    const { waypoints, others } = gateways;
    const isWaypointClass = (name: string) => roleOfClass(name, classes, options) === 'waypoint';
    return {
      rootNamespace: options.rootNamespace,
      services,
      waypointOf,
      waypoints,
      otherGateways: others,
      isWaypointClass,
      lookUp: ({ metadata }, targets) =>
        targets.flatMap(({ kind, name }): readonly unknown[] => {
          const key = `${metadata.namespace}/${name}`;
          if (kind === 'Gateway') return [waypoints.get(key), others.has(key)];
          if (kind !== 'Service') return [isWaypointClass(name)];
          const service = services.get(key);
          return [service, service === undefined ? undefined : waypointOf.get(service)];
        }),
    };
  });
}
