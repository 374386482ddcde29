import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { AuthzProvider } from '#model/authz-provider.ts';
import { ASKED, providerState } from '#policy/authz/custom.ts';
import { ApiVersion } from '#gen/envoy/config/core/v3/config_source_pb.ts';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.ts';
import { ExtensionWithMatcherSchema } from '#gen/envoy/extensions/common/matching/v3/extension_matcher_pb.ts';
import { SkipFilterSchema } from '#gen/envoy/extensions/filters/common/matcher/action/v3/skip_action_pb.ts';
import { ExtAuthzSchema } from '#gen/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts';
import { FilterStateInputSchema } from '#gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.ts';
import { StatusCode } from '#gen/envoy/type/v3/http_status_pb.ts';
import type { ListStringMatcherSchema } from '#gen/envoy/type/matcher/v3/string_pb.ts';
import { any } from './any.ts';
import { duration, encode } from './encode.ts';
import { providerCluster, providerFilterName } from './names.ts';
import type { XdsResource } from './resource.ts';

/** What the discovered filter of a provider is. */
export const PROVIDER_TYPES: readonly string[] = [`type.googleapis.com/${ExtensionWithMatcherSchema.typeName}`];

/** An answer that refuses is passed on up to here; nobody needs a longer one, and it lies in memory as a whole. */
const REFUSAL_LIMIT = 1 << 20;

/**
 * The filter that asks one provider, the same for all services of a waypoint: stock ext_authz, skipped unless the
 * program of CUSTOM rules has left word that this request is to be put to it. A caller cannot leave word: it is filter
 * state, and nothing that comes with a request becomes that.
 */
export function providerFilter(provider: AuthzProvider): XdsResource {
  const { name } = provider.settings;
  const config = create(TypedExtensionConfigSchema, {
    name: providerFilterName(name),
    typedConfig: any(ExtensionWithMatcherSchema, {
      xdsMatcher: {
        matcherType: { case: 'matcherList', value: { matchers: [{ predicate: notAsked(name), onMatch: SKIP }] } },
      },
      extensionConfig: { name: 'envoy.filters.http.ext_authz', typedConfig: any(ExtAuthzSchema, extAuthz(provider)) },
    }),
  });
  return encode(providerFilterName(name), TypedExtensionConfigSchema, config);
}

const SKIP = {
  onMatch: { case: 'action' as const, value: { name: 'skip', typedConfig: any(SkipFilterSchema, {}) } },
};

/** Nothing but the word that was left lets the filter be skipped no longer: so it holds for state that is not there. */
const notAsked = (name: string) => ({
  matchType: {
    case: 'notMatcher' as const,
    value: {
      matchType: {
        case: 'singlePredicate' as const,
        value: {
          input: { name: 'asked', typedConfig: any(FilterStateInputSchema, { key: `wasm.${providerState(name)}` }) },
          matcher: {
            case: 'valueMatch' as const,
            value: { matchPattern: { case: 'exact' as const, value: ASKED } },
          },
        },
      },
    },
  },
});

function extAuthz(provider: AuthzProvider): MessageInitShape<typeof ExtAuthzSchema> {
  const { settings } = provider;
  const { failOpen, statusOnError, clearRouteCache, includeRequestBodyInCheck: body } = settings;
  return {
    services: settings.kind === 'http' ? httpService(provider) : grpcService(provider),
    transportApiVersion: ApiVersion.V3,
    failureModeAllow: failOpen,
    statusOnError: { code: StatusCode[statusOnError] === undefined ? StatusCode.Forbidden : statusOnError },
    clearRouteCache,
    // What a provider writes and HTTP does not allow must not reach an application; Envoy answers 500.
    validateMutations: true,
    enforceResponseHeaderLimits: true,
    maxDeniedResponseBodyBytes: REFUSAL_LIMIT,
    allowedHeaders: nameList(settings.includeRequestHeadersInCheck),
    ...(body !== undefined && {
      withRequestBody: {
        maxRequestBytes: body.maxRequestBytes,
        allowPartialMessage: body.allowPartialMessage,
        packAsBytes: body.packAsBytes,
      },
    }),
  };
}

function httpService(provider: AuthzProvider) {
  const { settings, host } = provider;
  const { includeAdditionalHeadersInCheck: added, headersToDownstreamOnDeny, headersToDownstreamOnAllow } = settings;
  return {
    case: 'httpService' as const,
    value: {
      serverUri: {
        uri: `http://${host}:${settings.port}`,
        httpUpstreamType: { case: 'cluster' as const, value: providerCluster(provider) },
        timeout: duration(settings.timeoutMs),
      },
      pathPrefix: settings.pathPrefix,
      authorizationRequest: { headersToAdd: added.map(([key, value]) => ({ key, value: literal(value) })) },
      authorizationResponse: {
        allowedUpstreamHeaders: nameList(settings.headersToUpstreamOnAllow),
        allowedClientHeaders: nameList(headersToDownstreamOnDeny),
        allowedClientHeadersOnSuccess: nameList(headersToDownstreamOnAllow),
      },
    },
  };
}

/**
 * A value for Envoy, to which `%` begins a command. What a provider may want to know, and no caller can forge, is let
 * through; all other signs stand for themselves, since a command that Envoy does not know would be refused.
 */
const literal = (value: string): string =>
  value.replaceAll(/%(?:(?:FILTER_STATE\([\w.-]+:PLAIN\)|DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT)%)?/g, (match) =>
    match === '%' ? '%%' : match,
  );

const grpcService = (provider: AuthzProvider) => ({
  case: 'grpcService' as const,
  value: {
    targetSpecifier: {
      case: 'envoyGrpc' as const,
      // Without an authority the cluster's name would be it, which is none that servers take.
      value: { clusterName: providerCluster(provider), authority: provider.host },
    },
    timeout: duration(provider.settings.timeoutMs),
  },
});

/** Names of headers as the mesh configuration has them: `x-user`, `x-auth-*`, `*-token`. None: Envoy's default. */
function nameList(names: readonly string[]): MessageInitShape<typeof ListStringMatcherSchema> | undefined {
  if (names.length === 0) return undefined;
  return { patterns: names.map((name) => ({ matchPattern: namePattern(name), ignoreCase: name !== '*' })) };
}

function namePattern(name: string) {
  if (name === '*') return { case: 'safeRegex' as const, value: { regex: '.*' } };
  if (name.endsWith('*')) return { case: 'prefix' as const, value: name.slice(0, -1) };
  if (name.startsWith('*')) return { case: 'suffix' as const, value: name.slice(1) };
  return { case: 'exact' as const, value: name };
}
