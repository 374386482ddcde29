import { dnsLabel } from './dns-name.ts';
import { extensionProvider } from './extension-provider.ts';
import * as s from './schema.ts';
import { parseYaml } from './yaml-tree.ts';

const trustDomain = s.string({
  format: ['a trust domain', (text) => text.length <= 255 && /^[A-Za-z0-9._-]*$/.test(text)],
});

const pathNormalization = s.object({
  normalization: s.enumeration('DEFAULT', 'NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'),
});

/** A setting that a waypoint of Istio heeds and ours does not. */
const unused = (name: string, effect?: string) =>
  s.unsupported(s.anything(), name, effect === undefined ? {} : { effect });

/**
 * Istio's MeshConfig. `ignored` are settings of other parts of a mesh (sidecars, gateways, istiod, ztunnel), and those
 * that every installation writes down with their defaults.
 */
const meshConfig = s.object({
  trustDomain,
  trustDomainAliases: s.list(trustDomain),
  rootNamespace: s.string({ format: ['a namespace', (text) => text === '' || dnsLabel[1](text)] }),
  pathNormalization,
  extensionProviders: s.list(extensionProvider),

  accessLogFile: s.ignored(),
  accessLogFormat: unused('accessLogFormat', 'access logs have the keys of Istio’s JSON log'),
  accessLogEncoding: s.ignored(),
  enableEnvoyAccessLogService: unused('enableEnvoyAccessLogService', 'requests are logged to the file of --access-log'),
  disableEnvoyListenerLog: s.ignored(),
  connectTimeout: unused('connectTimeout', 'connections are waited for as long as a DestinationRule says, or 10s'),
  tcpKeepalive: unused('tcpKeepalive'),
  defaultHttpRetryPolicy: unused('defaultHttpRetryPolicy', 'only requests of which nothing was sent are tried again'),
  localityLbSetting: unused('localityLbSetting', 'endpoints are not told apart by where they are'),
  defaultServiceExportTo: s.ignored(),
  defaultVirtualServiceExportTo: s.ignored(),
  defaultDestinationRuleExportTo: s.ignored(),
  discoverySelectors: unused('discoverySelectors', 'resources of every namespace are read'),
  serviceSettings: s.ignored(),
  serviceScopeConfigs: s.ignored(),
  serviceEntryVisibility: s.ignored(),
  defaultProviders: s.ignored(),
  defaultConfig: s.ignored(),
  enablePrometheusMerge: s.ignored(),
  enableTracing: s.ignored(),
  enableAutoMtls: s.ignored(),
  meshMTLS: s.ignored(),
  tlsDefaults: s.ignored(),
  caCertificates: s.ignored(),
  certificates: s.ignored(),
  proxyListenPort: s.ignored(),
  proxyInboundListenPort: s.ignored(),
  proxyHttpPort: s.ignored(),
  ingressClass: s.ignored(),
  ingressService: s.ignored(),
  ingressSelector: s.ignored(),
  ingressControllerMode: s.ignored(),
  outboundTrafficPolicy: s.ignored(),
  inboundTrafficPolicy: s.ignored(),
  configSources: s.ignored(),
  dnsRefreshRate: s.ignored(),
  h2UpgradePolicy: s.ignored(),
  hboneIdleTimeout: s.ignored(),
  inboundClusterStatName: s.ignored(),
  outboundClusterStatName: s.ignored(),
  verifyCertificateAtClient: s.ignored(),
  thriftConfig: s.ignored(),
});

export type MeshConfigSpec = s.Infer<typeof meshConfig>;

const checked = s.check(meshConfig, ({ extensionProviders }, report) => {
  const seen = new Set<string>();
  extensionProviders.forEach(({ name }, index) => {
    if (seen.has(name)) {
      const message = `there are two extension providers "${name}"`;
      report.add({ code: 'PTL1107', level: 'error', message, next: 'rename one' }, `extensionProviders[${index}].name`);
    }
    seen.add(name);
  });
});

/** The text under `data.mesh`: YAML in YAML. */
export const meshText = s.transform(s.string(), (text, report): MeshConfigSpec | undefined => {
  const { value, errors } = parseYaml(text);
  for (const { message } of errors) {
    const problem = `the mesh configuration cannot be read: ${message}`;
    report.add({ code: 'PTL1602', level: 'error', message: problem, next: 'mend the YAML under data.mesh' });
  }
  return errors.length > 0 ? undefined : checked.read(value ?? {}, report);
});
