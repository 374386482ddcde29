import type { Finding } from '#model/finding.ts';
import type { VirtualService } from '#resources/virtual-service.ts';
import { refOf } from './condition.ts';
import { findService } from './host.ts';
import type { HttpRoutes } from './http-routes.ts';
import { step } from './memo.ts';
import type { KnownService } from './service.ts';
import type { TranslateOptions } from './options.ts';
import { oldestFirst } from './route-order.ts';
import type { WaypointGateway } from './waypoint-gateway.ts';
import type { Services } from './services.ts';

export interface VirtualServices {
  /** The one that steers a service. */
  readonly byService: ReadonlyMap<KnownService, VirtualService>;
  readonly findings: readonly Finding[];
}

/**
 * Makes the step that finds the VirtualService of each service behind a waypoint. It must be of the service's own
 * namespace or the waypoint's, or anybody could steer anybody's traffic; the oldest of several wins; an HTTPRoute wins
 * over all.
 */
export function createVirtualServices(
  options: TranslateOptions,
): (
  all: readonly VirtualService[],
  services: Services,
  waypointOf: ReadonlyMap<KnownService, WaypointGateway>,
  routes: HttpRoutes['byService'],
) => VirtualServices {
  return step((all, services, waypointOf, routes) => {
    const byService = new Map<KnownService, VirtualService>();
    const findings: Finding[] = [];
    for (const resource of oldestFirst(all)) {
      const { namespace } = resource.metadata;
      const { hosts, gateways, http } = resource.spec;
      const mesh = gateways.length === 0 || gateways.includes('mesh');
      if (!mesh || http.length === 0) continue;
      hosts.forEach((host, index) => {
        const service = findService(host, namespace, services, options.clusterDomain);
        const waypoint = service && waypointOf.get(service);
        const tell = (rest: Told): void => void findings.push({ ...finding(resource, index), ...rest });
        if (service === undefined || waypoint === undefined) {
          tell({
            code: 'PTL1209',
            message: `VirtualService ${resource.metadata.name}: host "${host}" is not a service behind a waypoint of ours`,
            expected: 'a service that uses a waypoint',
            next: 'label the service or its namespace with istio.io/use-waypoint',
          });
        } else if (namespace !== service.name.namespace && namespace !== waypoint.gateway.metadata.namespace) {
          tell({
            code: 'PTL1216',
            message: `VirtualService ${resource.metadata.name} of namespace ${namespace} cannot steer "${host}"`,
            expected: `namespace ${service.name.namespace}, or ${waypoint.gateway.metadata.namespace} of its waypoint`,
            next: `move it to namespace ${service.name.namespace}`,
          });
        } else if (routes.has(service)) {
          tell({
            code: 'PTL1401',
            message: `VirtualService ${resource.metadata.name} and an HTTPRoute both steer "${host}"`,
            expected: 'one of them',
            next: 'remove the VirtualService, or the HTTPRoute',
          });
        } else if (byService.has(service)) {
          const first = byService.get(service)!.metadata;
          tell({
            code: 'PTL1403',
            message: `VirtualService ${first.namespace}/${first.name} already steers "${host}"`,
            expected: 'one VirtualService a host',
            next: `join it with ${first.namespace}/${first.name}`,
          });
        } else byService.set(service, resource);
      });
    }
    return { byService, findings };
  });
}

type Told = Required<Pick<Finding, 'code' | 'message' | 'expected' | 'next'>>;

const finding = (resource: VirtualService, index: number) => ({
  level: 'warning' as const,
  resource: refOf(resource),
  path: `spec.hosts[${index}]`,
  came: resource.spec.hosts[index]!,
  effect: 'it does not steer this host',
});
