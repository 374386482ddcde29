import { create } from '@bufbuild/protobuf';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { FilterChainSchema } from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.ts';
import { compilePrograms } from '#policy/index.ts';
import { authnProgram } from './authn.ts';
import { encode } from './encode.ts';
import { tcpAuthzFilter } from './filter.ts';
import { httpChain, internalListener, tcpProxy } from './listener.ts';
import { customFilterName, filterName, tcpFilterName, WORKLOADS, WORKLOAD_ORIGINATE } from './names.ts';
import type { EmitOptions } from './options.ts';
import { keepDestination } from './originate.ts';
import { serviceLine } from './parties.ts';
import { customProgram, httpProgram, tcpProgram } from './program.ts';
import type { XdsResource } from './resource.ts';
import { workloadAssignment } from './endpoint.ts';
import { workloadRoutes } from './workload-route.ts';

/** The one world of all traffic that is addressed to pods: any port, HTTP or TCP by its first bytes. */
export function workloadListener(waypoint: Waypoint, options: EmitOptions): readonly XdsResource[] {
  const providers = waypoint.extensionProviders.map(({ settings }) => settings.name);
  const without = [...(options.without ?? []), 'routing', 'fault'] as const;
  const http = create(FilterChainSchema, {
    name: 'http',
    filters: [
      keepDestination(),
      ...httpChain(WORKLOADS, serviceLine(noService(waypoint)), providers, options, without),
    ],
  });
  const tcp = create(FilterChainSchema, {
    name: 'tcp',
    filters: [keepDestination(), tcpAuthzFilter(WORKLOADS), tcpProxy(WORKLOADS, WORKLOAD_ORIGINATE)],
  });
  const programs = compilePrograms(asPort(waypoint));
  const features = (['metrics', 'authz'] as const).filter((feature) => !options.without?.includes(feature));
  return [
    encode(WORKLOADS, ListenerSchema, internalListener(WORKLOADS, 'detect', http, tcp)),
    workloadRoutes(waypoint.workloads),
    workloadAssignment(waypoint.workloads),
    ...(options.without?.includes('authn') ? [] : [authnProgram(WORKLOADS, waypoint.workloadAuthn, [])]),
    ...features.map((feature) =>
      httpProgram(filterName(feature, WORKLOADS), feature, options.modules[feature], programs[feature]),
    ),
    ...(providers.length > 0
      ? [customProgram(customFilterName(WORKLOADS), options.modules.authz, programs.custom)]
      : []),
    tcpProgram(tcpFilterName(WORKLOADS), options.modules.authz, programs.authzTcp),
  ];
}

const noService = ({ namespace }: Waypoint): ServicePort['service'] => ({ namespace, name: '', host: '' });

/** Programs are compiled for a service port; pods behave as one without a service name and with any port. */
const asPort = (waypoint: Waypoint): ServicePort => ({
  service: noService(waypoint),
  port: 0,
  addresses: [],
  protocol: 'detect',
  backend: WORKLOAD_ORIGINATE,
  routes: [],
  authz: waypoint.workloadAuthz,
});
