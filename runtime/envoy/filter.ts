import { create } from '@bufbuild/protobuf';
import { FilterSchema, type Filter } from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  HttpFilterSchema,
  type HttpFilter,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { any } from './any.ts';

import { filterName, tcpFilterName, type Feature } from './names.ts';
import { HTTP_TYPES, NETWORK_TYPES } from './program.ts';
import { ads } from './source.ts';

/**
 * Our HTTP filters in the order in which a request meets them, and why:
 * - metrics first: its clock starts before anyone can refuse or delay, so denied and delayed requests count in full;
 * - authz before fault: a caller that may not enter is told so at once, and learns nothing of faults;
 * - routing last: a header it writes makes Envoy choose the route again, which must not happen before a decision
 *   that looked at the route.
 * `routing` and `fault` sleep until a route switches them on, so that other routes pay nothing for them.
 */
const ORDER: readonly { readonly feature: Feature; readonly onDemand: boolean }[] = [
  { feature: 'metrics', onDemand: false },
  { feature: 'authz', onDemand: false },
  { feature: 'fault', onDemand: true },
  { feature: 'routing', onDemand: true },
];

const ROUTER: HttpFilter = create(HttpFilterSchema, {
  name: 'envoy.filters.http.router',
  configType: { case: 'typedConfig', value: any(RouterSchema, { suppressEnvoyHeaders: true }) },
});

/** The features of an HTTP chain, but for those left out of a measurement. */
export const httpFeatures = (without: readonly Feature[] = []): readonly Feature[] =>
  ORDER.map(({ feature }) => feature).filter((feature) => !without.includes(feature));

/** The HTTP filters of a chain. Their programs are discovered, so that replacing one touches no connection. */
export function httpFilters(target: string, without: readonly Feature[] = []): HttpFilter[] {
  const ours = ORDER.filter(({ feature }) => !without.includes(feature)).map(({ feature, onDemand }) =>
    create(HttpFilterSchema, {
      name: filterName(feature, target),
      disabled: onDemand,
      configType: { case: 'configDiscovery', value: { configSource: ads(), typeUrls: [...HTTP_TYPES] } },
    }),
  );
  return [...ours, ROUTER];
}

/** The same filter by itself, in a chain that has nothing else of ours. */
export const authzFilter = (target: string): HttpFilter =>
  create(HttpFilterSchema, {
    name: filterName('authz', target),
    configType: { case: 'configDiscovery', value: { configSource: ads(), typeUrls: [...HTTP_TYPES] } },
  });

/** The filter that judges a TCP connection before a byte of it goes on. */
export const tcpAuthzFilter = (target: string): Filter =>
  create(FilterSchema, {
    name: tcpFilterName(target),
    configType: { case: 'configDiscovery', value: { configSource: ads(), typeUrls: [...NETWORK_TYPES] } },
  });
