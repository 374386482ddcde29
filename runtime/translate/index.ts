import type { Finding } from '#model/finding.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { Model } from '#model/waypoint.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import { createAuthzProviders } from './authz-providers.ts';
import { createDestinations } from './destinations.ts';
import { createEnrolments } from './enrolments.ts';
import { createGateways } from './gateways.ts';
import { createHttpRoutes } from './http-routes.ts';
import { createIngresses } from './ingresses.ts';
import { createInventory } from './inventory.ts';
import { defaultOptions, type TranslateOptions } from './options.ts';
import { createMeshConfig } from './mesh-config.ts';
import { createPolicies } from './policies.ts';
import { createSurroundings } from './surroundings.ts';
import { createRequestAuthentications } from './request-authentications.ts';
import { createRemarks, createReports } from './reports.ts';
import { createVirtualServices } from './virtual-services.ts';
import { createWaypoints } from './waypoints.ts';

export { type TranslateOptions } from './options.ts';

export interface Translation {
  readonly model: Model;
  readonly findings: readonly Finding[];
  readonly statuses: readonly ResourceStatus[];
}

/**
 * Makes a translator from resources to the model. It holds memo tables and nothing else: what depends on the same
 * input objects as in the last call is given as the same output object (`===`).
 */
export function createTranslator(options: Partial<TranslateOptions> = {}): (resources: ResourceSet) => Translation {
  const settings = { ...defaultOptions, ...options };
  const readInventory = createInventory(settings);
  const readMeshConfig = createMeshConfig(settings);
  const sortGateways = createGateways(settings);
  const enrolAll = createEnrolments();
  const attachRoutes = createHttpRoutes();
  const attachVirtualServices = createVirtualServices(settings);
  const findDestinations = createDestinations(settings);
  const findProviders = createAuthzProviders(settings);
  const survey = createSurroundings(settings);
  const attachPolicies = createPolicies();
  const attachAuthentications = createRequestAuthentications(settings);
  const makeWaypoints = createWaypoints(settings);
  const makeIngresses = createIngresses();
  const remark = createRemarks(settings);
  const report = createReports();

  return (resources) => {
    const inventory = readInventory(resources);
    const mesh = readMeshConfig(resources.of('ConfigMap'));
    const { services, grants, classes } = inventory;
    const gateways = sortGateways(resources.of('Gateway'), classes);
    const enrolments = enrolAll(inventory, gateways);
    const { waypointOf } = enrolments.services;
    const routes = attachRoutes(resources.of('HTTPRoute'), services, grants, waypointOf, gateways.waypoints);
    const virtualServices = attachVirtualServices(
      resources.of('VirtualService'),
      services,
      waypointOf,
      routes.byService,
    );
    const destinations = findDestinations(resources.of('DestinationRule'), services);
    const providers = findProviders(mesh, services);
    const around = survey(mesh, providers, services, classes, gateways, waypointOf, grants, routes.byName);
    const policies = attachPolicies(resources.of('AuthorizationPolicy'), resources.invalid, around);
    const authentications = attachAuthentications(resources.of('RequestAuthentication'), resources.invalid, around);
    const sources = {
      mesh,
      services,
      waypointOf,
      routes,
      virtualServices,
      destinations,
      policies,
      providers,
      authentications,
    };
    const { waypoints, findings } = makeWaypoints(inventory, gateways, enrolments, sources);
    const ingresses = makeIngresses(resources.of('HTTPRoute'), inventory, gateways, destinations);
    const remarks = remark(inventory, gateways, routes, resources.invalid);
    const { services: ofServices, workloads: ofWorkloads, namespaces: ofNamespaces } = enrolments;
    const told = [
      mesh,
      providers,
      ofServices,
      ofWorkloads,
      ofNamespaces,
      routes,
      virtualServices,
      destinations,
      policies,
      authentications,
      { findings },
      ingresses,
      remarks,
    ];
    return { model: { waypoints, ingresses: ingresses.ingresses }, ...report(told) };
  };
}
