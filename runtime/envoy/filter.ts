import { create } from '@bufbuild/protobuf';
import { FilterSchema, type Filter } from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  HttpFilterSchema,
  type HttpFilter,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { any } from './any.ts';
import { PROVIDER_TYPES } from './ext-authz.ts';
import { customFilterName, filterName, providerFilterName, tcpFilterName, type Feature, type Slot } from './names.ts';
import { AUTHN_TYPES, HTTP_TYPES, NETWORK_TYPES } from './program.ts';
import { ads } from './source.ts';

/**
 * The discovered HTTP filters in the order in which a request meets them, and why:
 * - metrics first: its clock starts before anyone can refuse or delay, so denied and delayed requests count in full;
 * - then those who are asked about a request (CUSTOM): what they write into it, the rules of authz look at;
 * - authn before authz: policies ask for claims, and what they ask for must be proven;
 * - authz before fault: a caller that may not enter is told so at once, and learns nothing of faults;
 * - routing last: a header it writes makes Envoy choose the route again, which must not happen before a decision
 *   that looked at the route.
 * `routing` and `fault` sleep until a route switches them on, so that other routes pay nothing for them.
 */
const ORDER: readonly { readonly slot: Slot; readonly onDemand: boolean }[] = [
  { slot: 'metrics', onDemand: false },
  { slot: 'authn', onDemand: false },
  { slot: 'authz', onDemand: false },
  { slot: 'fault', onDemand: true },
  { slot: 'routing', onDemand: true },
];

const ROUTER: HttpFilter = create(HttpFilterSchema, {
  name: 'envoy.filters.http.router',
  configType: { case: 'typedConfig', value: any(RouterSchema, { suppressEnvoyHeaders: true }) },
});

/** The features of an HTTP chain, but for those left out of a measurement. */
export const httpFeatures = (without: readonly Slot[] = []): readonly Feature[] =>
  ORDER.flatMap(({ slot }) => (slot === 'authn' || without.includes(slot) ? [] : [slot]));

/**
 * The HTTP filters of a chain, with those that ask `providers`. Their programs are discovered, so that replacing one
 * touches no connection.
 */
export function httpFilters(target: string, providers: readonly string[], without: readonly Slot[] = []): HttpFilter[] {
  const filters: HttpFilter[] = [];
  for (const { slot, onDemand } of ORDER) {
    if (slot === 'authn') filters.push(...customFilters(target, providers));
    if (without.includes(slot)) continue;
    filters.push(discovered(filterName(slot, target), slot === 'authn' ? AUTHN_TYPES : HTTP_TYPES, onDemand));
  }
  return [...filters, ROUTER];
}

/** The same filter by itself, in a chain that has nothing else of ours. */
export const authzFilter = (target: string): HttpFilter => discovered(filterName('authz', target), HTTP_TYPES);

/**
 * First whom to ask, then the asking, a filter for each provider. They are there as soon as the mesh has a provider, so
 * that the first CUSTOM policy of a service changes a program and no listener.
 */
const customFilters = (target: string, providers: readonly string[]): HttpFilter[] =>
  providers.length === 0
    ? []
    : [
        discovered(customFilterName(target), HTTP_TYPES),
        ...providers.map((provider) => discovered(providerFilterName(provider), PROVIDER_TYPES)),
      ];

const discovered = (name: string, typeUrls: readonly string[], disabled = false): HttpFilter =>
  create(HttpFilterSchema, {
    name,
    disabled,
    configType: { case: 'configDiscovery', value: { configSource: ads(), typeUrls: [...typeUrls] } },
  });

/** The filter that judges a TCP connection before a byte of it goes on. */
export const tcpAuthzFilter = (target: string): Filter =>
  create(FilterSchema, {
    name: tcpFilterName(target),
    configType: { case: 'configDiscovery', value: { configSource: ads(), typeUrls: [...NETWORK_TYPES] } },
  });
