import { dnsLabel } from './dns-name.ts';
import { istioDuration } from './duration.ts';
import type { KindDefinition } from './kind.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const any = s.anything();

const loadBalancer = s.object({
  simple: s.enumeration('UNSPECIFIED', 'LEAST_CONN', 'LEAST_REQUEST', 'RANDOM', 'ROUND_ROBIN', 'PASSTHROUGH'),
  consistentHash: s.unsupported(any, 'loadBalancer.consistentHash', { effect: 'the default load balancer is used' }),
  localityLbSetting: s.unsupported(any, 'loadBalancer.localityLbSetting', { effect: 'all endpoints are used alike' }),
  warmup: s.unsupported(any, 'loadBalancer.warmup'),
  warmupDurationSecs: s.unsupported(any, 'loadBalancer.warmupDurationSecs'),
});

const tcp = s.object({
  connectTimeout: s.string({ format: istioDuration }),
  maxConnections: s.unsupported(s.integer(0, 2 ** 31 - 1), 'connectionPool.tcp.maxConnections'),
  tcpKeepalive: s.unsupported(any, 'connectionPool.tcp.tcpKeepalive'),
  maxConnectionDuration: s.unsupported(any, 'connectionPool.tcp.maxConnectionDuration'),
  idleTimeout: s.unsupported(any, 'connectionPool.tcp.idleTimeout'),
});

const fields = {
  loadBalancer,
  connectionPool: s.object({ tcp, http: s.unsupported(any, 'connectionPool.http') }),
  outlierDetection: s.unsupported(any, 'outlierDetection', { effect: 'no endpoint is ejected' }),
  tls: s.check(
    s.object({
      mode: s.withDefault(s.enumeration('DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'), 'DISABLE'),
      clientCertificate: s.ignored(),
      privateKey: s.ignored(),
      caCertificates: s.ignored(),
      credentialName: s.ignored(),
      subjectAltNames: s.ignored(),
      sni: s.ignored(),
      insecureSkipVerify: s.ignored(),
      caCrl: s.ignored(),
    }),
    originationUnsupported,
  ),
};

const portPolicy = s.object({ port: s.object({ number: s.integer(1, 65_535) }), ...fields });

const trafficPolicy = s.object({
  ...fields,
  portLevelSettings: s.unsupported(s.list(portPolicy), 'portLevelSettings', { effect: 'all ports follow the policy' }),
  tunnel: s.unsupported(any, 'tunnel'),
  proxyProtocol: s.unsupported(any, 'proxyProtocol'),
  retryBudget: s.unsupported(any, 'retryBudget'),
});

const subset = s.object({
  name: s.required(s.string({ min: 1, format: dnsLabel })),
  labels: s.map(s.string()),
  trafficPolicy,
});

const spec = s.object({
  host: s.required(s.string({ min: 1 })),
  trafficPolicy,
  subsets: s.list(subset),
  exportTo: s.list(s.string({ min: 1 })),
  workloadSelector: s.unsupported(any, 'workloadSelector', { effect: 'the rule is used for all callers' }),
});

export type DestinationRule = Resource<'DestinationRule', s.Infer<typeof spec>>;

export const destinationRule = {
  kind: 'DestinationRule',
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({ spec: s.required(spec), status: s.ignored() }),
} satisfies KindDefinition<'DestinationRule'>;

/** In the mesh, DISABLE and ISTIO_MUTUAL change nothing: the tunnel is always mutual TLS. */
function originationUnsupported({ mode }: { readonly mode: string }, report: s.Report): void {
  if (mode !== 'SIMPLE' && mode !== 'MUTUAL') return;
  const message = `TLS origination (mode ${mode}) is not supported by this version`;
  report.add({ code: 'PTL1501', level: 'warning', message, effect: 'requests are sent without it' }, 'mode');
}
