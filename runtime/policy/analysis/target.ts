import { type SpiffeId, spiffeId } from '#model/identity.ts';
import type { AuthzPolicySet } from '#model/authz.ts';
import { DEFAULT_PATH_NORMALIZATION, type PathNormalization } from '#model/path-normalization.ts';
import type { Route } from '#model/route.ts';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import type { AnalysisTarget } from './attribute.ts';

/** A set of policies and where it decides: one protocol of a service port, or of traffic to pods. */
export interface DecidedTarget {
  /** `reviews.bookinfo.svc.cluster.local:9080`, or `pods of bookinfo/waypoint`. */
  readonly name: string;
  readonly set: AuthzPolicySet;
  readonly target: AnalysisTarget;
  /** In the order in which they are tried. */
  readonly routes: readonly Route[];
}

/** Identities that examples are made with, as far as there are any. */
const MOST_IDENTITIES = 32;

/** Everything that a waypoint decides about. Of paths that are not normalized as by default any may come. */
export function targetsOf(waypoint: Waypoint, paths: PathNormalization | undefined): readonly DecidedTarget[] {
  const { namespace, name, trustDomain, trustDomainAliases, ports, workloads, sources, workloadAuthz } = waypoint;
  const identities: readonly SpiffeId[] = [
    spiffeId(trustDomain, 'default', 'default'),
    ...new Set([...sources, ...workloads].map(({ identity }) => identity)),
  ].slice(0, MOST_IDENTITIES);
  const decided = (text: string, { service, ...port }: Decided): DecidedTarget[] =>
    PROTOCOLS[port.protocol].map((protocol) => ({
      name: `${text}${port.protocol === 'detect' && protocol === 'tcp' ? ' (as TCP)' : ''}`,
      set: port.authz,
      routes: port.routes,
      target: {
        protocol,
        port: port.port,
        addresses: port.addresses,
        trustDomains: [trustDomain, ...trustDomainAliases],
        normalizedPaths:
          (paths ?? waypoint.pathNormalization ?? DEFAULT_PATH_NORMALIZATION) === DEFAULT_PATH_NORMALIZATION,
        plain: { identities, hosts: [`${service.name}.${service.namespace}:${port.port}`, service.host] },
      },
    }));
  return [
    ...ports.flatMap((port) => decided(`${port.service.host}:${port.port}`, port)),
    ...(workloads.length === 0
      ? []
      : decided(`pods of ${namespace}/${name}`, {
          service: { namespace, name: 'pod', host: 'pod' },
          port: 0,
          addresses: [],
          protocol: 'detect',
          routes: [],
          authz: workloadAuthz,
        })),
  ];
}

type Decided = Pick<ServicePort, 'service' | 'port' | 'addresses' | 'protocol' | 'authz' | 'routes'>;

const PROTOCOLS: Readonly<Record<ServicePort['protocol'], readonly AnalysisTarget['protocol'][]>> = {
  http: ['http'],
  http2: ['http'],
  tcp: ['tcp'],
  detect: ['http', 'tcp'],
};
