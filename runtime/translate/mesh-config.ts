import type { ExtensionProvider } from '#model/extension-provider.ts';
import type { Finding } from '#model/finding.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import { MESH_CONFIG, type ConfigMap } from '#resources/config-map.ts';
import type { ExtensionProviderSpec } from '#resources/extension-provider.ts';
import type { MeshConfigSpec } from '#resources/mesh-config.ts';
import { refOf } from './condition.ts';
import { milliseconds } from './duration.ts';
import { none, step } from './memo.ts';
import type { TranslateOptions } from './options.ts';

/** What Istio's mesh configuration says that a waypoint heeds. */
export interface MeshConfig {
  /** Where mesh-wide policies live. */
  readonly rootNamespace: string;
  /** Trust domains whose identities are those of ours, for policies and for the door. */
  readonly trustDomainAliases: readonly string[];
  /** Undefined: it does not say. */
  readonly pathNormalization: PathNormalization | undefined;
  readonly extensionProviders: readonly ExtensionProvider[];
  readonly findings: readonly Finding[];
}

/** Makes the step that reads `ConfigMap istio`, if there is one. It is looked for where istiod looks, whatever it says. */
export function createMeshConfig(options: TranslateOptions): (all: readonly ConfigMap[]) => MeshConfig {
  return step((all) => {
    const resource = all.find(({ metadata }) => metadata.namespace === options.rootNamespace);
    const elsewhere = all.filter((each) => each !== resource).map((each) => elsewhereFinding(each, options));
    const { mesh } = resource?.spec.data ?? {};
    if (resource === undefined || mesh === undefined) return { ...absent(options), findings: elsewhere };
    return {
      rootNamespace: mesh.rootNamespace || options.rootNamespace,
      trustDomainAliases: mesh.trustDomainAliases.filter((alias) => alias !== options.trustDomain),
      pathNormalization: normalization(mesh),
      extensionProviders: mesh.extensionProviders.flatMap((provider) => extensionProvider(provider) ?? []),
      findings: [...trustDomainFindings(resource, mesh, options), ...elsewhere],
    };
  });
}

const absent = ({ rootNamespace }: TranslateOptions): MeshConfig => ({
  rootNamespace,
  trustDomainAliases: none,
  pathNormalization: undefined,
  extensionProviders: none,
  findings: none,
});

/** Istio's DEFAULT is BASE; ours is stricter, so it must be said to be had. */
function normalization({ pathNormalization }: MeshConfigSpec): PathNormalization | undefined {
  const said = pathNormalization?.normalization;
  return said === 'DEFAULT' ? 'BASE' : said;
}

/** Istio's defaults: an authorizer has ten minutes, and what it does not answer is refused with 403. */
const TIMEOUT_MS = 600_000;
const STATUS_ON_ERROR = '403';

function extensionProvider({ name, ...spec }: ExtensionProviderSpec): ExtensionProvider | undefined {
  const http = spec.envoyExtAuthzHttp;
  const provider = http ?? spec.envoyExtAuthzGrpc;
  if (provider === undefined) return undefined;
  const body = provider.includeRequestBodyInCheck;
  const asked = http?.includeRequestHeadersInCheck ?? none;
  return {
    name,
    kind: http === undefined ? 'grpc' : 'http',
    service: provider.service,
    port: provider.port,
    timeoutMs: milliseconds(provider.timeout ?? '') || TIMEOUT_MS,
    failOpen: provider.failOpen ?? false,
    statusOnError: Number(provider.statusOnError ?? STATUS_ON_ERROR),
    clearRouteCache: provider.clearRouteCache ?? false,
    pathPrefix: http?.pathPrefix ?? '',
    includeRequestHeadersInCheck: lower(asked.length > 0 ? asked : (http?.includeHeadersInCheck ?? none)),
    includeAdditionalHeadersInCheck: Object.entries(http?.includeAdditionalHeadersInCheck ?? {}).map(
      ([key, value]) => [key.toLowerCase(), value] as const,
    ),
    ...(body === undefined
      ? {}
      : {
          includeRequestBodyInCheck: {
            maxRequestBytes: body.maxRequestBytes,
            allowPartialMessage: body.allowPartialMessage ?? false,
            packAsBytes: body.packAsBytes ?? false,
          },
        }),
    headersToUpstreamOnAllow: lower(http?.headersToUpstreamOnAllow ?? none),
    headersToDownstreamOnDeny: lower(http?.headersToDownstreamOnDeny ?? none),
    headersToDownstreamOnAllow: lower(http?.headersToDownstreamOnAllow ?? none),
  };
}

const lower = (names: readonly string[]): readonly string[] => names.map((name) => name.toLowerCase());

/** Certificates say who is who; a mesh configuration that says otherwise is about another mesh. */
function trustDomainFindings(
  resource: ConfigMap,
  { trustDomain }: MeshConfigSpec,
  options: TranslateOptions,
): readonly Finding[] {
  if (!trustDomain || trustDomain === options.trustDomain) return none;
  return [
    {
      code: 'PTL1601',
      level: 'error',
      resource: refOf(resource),
      path: 'data.mesh.trustDomain',
      message: `the trust domain of the mesh configuration is "${trustDomain}", and ours is "${options.trustDomain}"`,
      expected: options.trustDomain,
      came: trustDomain,
      effect: `callers and endpoints must be of ${options.trustDomain}`,
      next: `run with --trust-domain ${trustDomain}`,
    },
  ];
}

function elsewhereFinding(resource: ConfigMap, { rootNamespace }: TranslateOptions): Finding {
  return {
    code: 'PTL1603',
    level: 'info',
    resource: refOf(resource),
    path: 'metadata.namespace',
    message: `ConfigMap ${MESH_CONFIG} of namespace ${resource.metadata.namespace} is not the mesh configuration`,
    expected: rootNamespace,
    came: resource.metadata.namespace,
    effect: 'it is not used',
    next: `kubectl get configmap -n ${rootNamespace} ${MESH_CONFIG} -o yaml`,
  };
}
