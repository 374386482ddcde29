import { istioDuration } from './duration.ts';
import type { KindDefinition } from './kind.ts';
import { dnsLabel } from './dns-name.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';
import { fault } from './virtual-service-fault.ts';
import { httpMatchRequest } from './virtual-service-match.ts';

const port = s.object({ number: s.required(s.integer(1, 65_535)) });
const duration = s.string({ format: istioDuration });

const operations = s.object({ set: s.map(s.string()), add: s.map(s.string()), remove: s.list(s.string({ min: 1 })) });
/** Mutations of headers. */
const headers = s.object({ request: operations, response: operations });

const destination = s.object({
  host: s.required(s.string({ min: 1 })),
  subset: s.string({ format: dnsLabel }),
  port,
});

const routeDestination = s.object({
  destination: s.required(destination),
  /** 0 with a single destination means all. */
  weight: s.withDefault(s.integer(0, 2 ** 31 - 1), 0),
  headers,
});

const redirect = s.object({
  uri: s.string(),
  authority: s.string(),
  port: s.integer(1, 65_535),
  derivePort: s.enumeration('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'),
  scheme: s.enumeration('http', 'https'),
  redirectCode: s.integer(300, 399),
});

const rewrite = s.object({
  uri: s.string({ min: 1 }),
  authority: s.string({ min: 1 }),
  uriRegexRewrite: s.unsupported(s.object({ match: s.string(), rewrite: s.string() }), 'rewrite.uriRegexRewrite'),
});

const httpRoute = s.object({
  name: s.string(),
  match: s.list(httpMatchRequest),
  route: s.list(routeDestination),
  redirect,
  directResponse: s.unsupported(s.anything(), 'directResponse'),
  delegate: s.unsupported(s.anything(), 'delegate'),
  rewrite,
  timeout: duration,
  retries: s.unsupported(s.anything(), 'retries', { effect: 'requests are not retried beyond the default' }),
  fault,
  mirror: s.unsupported(s.anything(), 'mirror', { effect: 'nothing is mirrored' }),
  mirrors: s.unsupported(s.anything(), 'mirrors', { effect: 'nothing is mirrored' }),
  mirrorPercent: s.ignored(),
  mirror_percent: s.ignored(),
  mirrorPercentage: s.ignored(),
  corsPolicy: s.unsupported(s.anything(), 'corsPolicy', { effect: 'responses get no CORS headers' }),
  headers,
});

const spec = s.object({
  hosts: s.list(s.string({ min: 1 })),
  /** Empty: `mesh`, which is where a waypoint takes routes from. */
  gateways: s.list(s.string({ min: 1 })),
  http: s.list(s.check(httpRoute, oneAction)),
  tls: s.unsupported(s.anything(), 'routing TLS connections', { effect: 'they go to the service as if unrouted' }),
  tcp: s.unsupported(s.anything(), 'routing TCP connections', { effect: 'they go to the service as if unrouted' }),
  exportTo: s.list(s.string({ min: 1 })),
});

export type VirtualService = Resource<'VirtualService', s.Infer<typeof spec>>;
export type VirtualServiceRoute = VirtualService['spec']['http'][number];

export const virtualService = {
  kind: 'VirtualService',
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({ spec: s.required(s.check(spec, hostsGiven)), status: s.ignored() }),
} satisfies KindDefinition<'VirtualService'>;

function hostsGiven({ hosts, gateways }: s.Infer<typeof spec>, report: s.Report): void {
  if (hosts.length === 0) {
    const message = 'a VirtualService without hosts is used by delegation only, which is not supported by this version';
    report.add({ code: 'PTL1501', level: 'warning', message, effect: 'it is not used' }, 'hosts');
  }
  const mesh = gateways.length === 0 || gateways.includes('mesh');
  const wild = hosts.indexOf('*');
  if (mesh && wild >= 0) {
    const message = 'host "*" is not allowed in a VirtualService of the mesh';
    report.add({ code: 'PTL1104', level: 'error', message, next: 'name the hosts' }, `hosts[${wild}]`);
  }
}

/** As Istio's webhook: a redirect leaves no room for destinations, and several destinations need weights. */
function oneAction({ route, redirect, fault, rewrite }: s.Infer<typeof httpRoute>, report: s.Report): void {
  const add = (message: string, below: string): void => report.add({ code: 'PTL1106', level: 'error', message }, below);
  if (redirect !== undefined) {
    if (route.length > 0) add('a route has either destinations or a redirect', 'redirect');
    if (fault !== undefined) add('a redirect cannot have a fault', 'fault');
    if (rewrite !== undefined) add('a redirect cannot have a rewrite', 'rewrite');
  }
  const weights = route.reduce((sum, { weight }) => sum + weight, 0);
  if (route.length > 1 && weights === 0) add('several destinations need weights that are not all 0', 'route');
  if (weights > 2 ** 32 - 1) add('the sum of the weights is too large', 'route');
}
