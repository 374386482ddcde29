import { create } from '@bufbuild/protobuf';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { FilterChainSchema } from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.ts';
import type { Route } from '#model/route.ts';
import { compilePrograms } from '#policy/index.ts';
import { encode } from './encode.ts';
import { httpFilters, tcpAuthzFilter } from './filter.ts';
import { httpConnection } from './http-connection.ts';
import { internalListener, tcpProxy } from './listener.ts';
import { filterName, tcpFilterName, WORKLOADS, WORKLOAD_ORIGINATE } from './names.ts';
import type { EmitOptions } from './options.ts';
import { keepDestination } from './originate.ts';
import { httpProgram, tcpProgram } from './program.ts';
import type { XdsResource } from './resource.ts';
import { routeConfiguration } from './route.ts';

const NO_HEADERS = { set: [], add: [], remove: [] } as const;

/** Traffic to a pod goes where it was going; there is no choice to make. */
const ROUTE: Route = {
  name: 'default',
  match: { path: { kind: 'prefix', value: '/' }, headers: [], query: [] },
  action: {
    kind: 'forward',
    backends: [{ backend: WORKLOAD_ORIGINATE, weight: 1, requestHeaders: NO_HEADERS, responseHeaders: NO_HEADERS }],
    timeoutMs: 0,
  },
  requestHeaders: NO_HEADERS,
  responseHeaders: NO_HEADERS,
};

/** The one world of all traffic that is addressed to pods: any port, HTTP or TCP by its first bytes. */
export function workloadListener(waypoint: Waypoint, options: EmitOptions): readonly XdsResource[] {
  const without = [...(options.without ?? []), 'routing', 'fault'] as const;
  const http = create(FilterChainSchema, {
    name: 'http',
    filters: [keepDestination(), httpConnection(WORKLOADS, httpFilters(WORKLOADS, without), options)],
  });
  const tcp = create(FilterChainSchema, {
    name: 'tcp',
    filters: [keepDestination(), tcpAuthzFilter(WORKLOADS), tcpProxy(WORKLOADS, WORKLOAD_ORIGINATE)],
  });
  const programs = compilePrograms(asPort(waypoint), { singleLines: options.repeatedHeaders === 'refuse' });
  const features = (['metrics', 'authz'] as const).filter((feature) => !options.without?.includes(feature));
  return [
    encode(WORKLOADS, ListenerSchema, internalListener(WORKLOADS, 'detect', http, tcp)),
    routeConfiguration(WORKLOADS, [ROUTE]),
    ...features.map((feature) =>
      httpProgram(filterName(feature, WORKLOADS), feature, options.modules[feature], programs[feature]),
    ),
    tcpProgram(tcpFilterName(WORKLOADS), options.modules.authz, programs.authzTcp),
  ];
}

/** Programs are compiled for a service port; pods behave as one without a service name and with any port. */
const asPort = (waypoint: Waypoint): ServicePort => ({
  service: { namespace: waypoint.namespace, name: '', host: '' },
  port: 0,
  addresses: [],
  protocol: 'detect',
  backend: WORKLOAD_ORIGINATE,
  routes: [ROUTE],
  authz: waypoint.workloadAuthz,
});
