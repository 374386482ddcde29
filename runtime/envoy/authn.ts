import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { EmptySchema } from '@bufbuild/protobuf/wkt';
import type { JwtKeys, JwtRule } from '#model/authn.ts';
import type { Route } from '#model/route.ts';
import { TypedExtensionConfigSchema } from '#gen/envoy/config/core/v3/extension_pb.ts';
import {
  JwtAuthenticationSchema,
  type JwtProviderSchema,
  type JwtRequirementSchema,
} from '#gen/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts';
import { any } from './any.ts';
import { duration, encode } from './encode.ts';
import { jwksClusterName } from './jwks.ts';
import { filterName, JWT_PAYLOAD, UNRESOLVED } from './names.ts';
import { httpPass } from './program.ts';
import type { XdsResource } from './resource.ts';

type Provider = MessageInitShape<typeof JwtProviderSchema>;
type Requirement = MessageInitShape<typeof JwtRequirementSchema>;

/** What a service port asks of tokens, for its slot: stock jwt_authn, or the pass where nothing is asked. */
export function authnProgram(
  target: string,
  rules: readonly JwtRule[] | undefined,
  routes: readonly Route[],
): XdsResource {
  const name = filterName('authn', target);
  if (rules === undefined || rules.length === 0) return httpPass(name);
  const clearRouteCache = reroutes(rules, routes);
  const message = create(TypedExtensionConfigSchema, {
    name,
    typedConfig: any(JwtAuthenticationSchema, {
      providers: Object.fromEntries(rules.map((rule, index) => [nameOf(index), provider(rule, clearRouteCache)])),
      rules: [
        {
          match: { pathSpecifier: { case: 'prefix', value: '/' } },
          requirementType: { case: 'requires', value: requirement(rules.length) },
        },
      ],
      // A browser asks without the token whether it may send one.
      bypassCorsPreflight: true,
    }),
  });
  return encode(name, TypedExtensionConfigSchema, message);
}

/** Istio's name of a provider. */
const nameOf = (index: number): string => `origins-${index}`;

/**
 * Istio's requirement. With one rule: its token, or none. With several: every token that is there must be valid for its
 * rule; or, where rules look for tokens in the same place (and so never all hold), any of them alone.
 */
function requirement(count: number): Requirement {
  const each = Array.from({ length: count }, (_, index) => only(nameOf(index)));
  if (count === 1) return orMissing(each[0]!);
  return anyOf([...each, { requiresType: { case: 'requiresAll', value: { requirements: each.map(orMissing) } } }]);
}

const only = (name: string): Requirement => ({ requiresType: { case: 'providerName', value: name } });

const orMissing = (one: Requirement): Requirement =>
  anyOf([one, { requiresType: { case: 'allowMissing', value: create(EmptySchema) } }]);

const anyOf = (requirements: Requirement[]): Requirement => ({
  requiresType: { case: 'requiresAny', value: { requirements } },
});

function provider(rule: JwtRule, clearRouteCache: boolean): Provider {
  return {
    issuer: rule.issuer ?? '',
    audiences: [...rule.audiences],
    jwksSourceSpecifier: keys(rule.keys),
    fromHeaders: rule.fromHeaders.map(({ name, prefix }) => ({ name, valuePrefix: prefix })),
    fromParams: [...rule.fromParams],
    fromCookies: [...rule.fromCookies],
    forward: rule.forward,
    forwardPayloadHeader: rule.payloadHeader ?? '',
    claimToHeaders: rule.claimHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim })),
    payloadInMetadata: JWT_PAYLOAD,
    normalizePayloadInMetadata: { spaceDelimitedClaims: [...rule.spaceDelimitedClaims] },
    clearRouteCache,
  };
}

/**
 * Keys that nobody has: Envoy takes no key set without a key, so they are asked for in vain, of a cluster that does not
 * exist, and every token is refused. A key made up for it would be a key that somebody could have.
 */
const NO_KEYS = {
  case: 'remoteJwks' as const,
  value: {
    httpUri: {
      uri: 'http://unresolved/',
      httpUpstreamType: { case: 'cluster' as const, value: UNRESOLVED },
      timeout: duration(1_000),
    },
  },
};

/** As istiod: keys are asked for again every five minutes, and after a failure every second. */
const CACHE_MS = 300_000;
const RETRY_MS = 1_000;

function keys(from: JwtKeys): NonNullable<Provider['jwksSourceSpecifier']> {
  if (from.kind === 'none') return NO_KEYS;
  if (from.kind === 'inline') {
    return { case: 'localJwks', value: { specifier: { case: 'inlineString', value: from.jwks } } };
  }
  const { uri, timeoutMs } = from;
  const direct = from.from.kind === 'host';
  const cluster = from.from.kind === 'backend' ? from.from.backend : jwksClusterName(from.from);
  return {
    case: 'remoteJwks',
    value: {
      httpUri: { uri, httpUpstreamType: { case: 'cluster', value: cluster }, timeout: duration(timeoutMs) },
      cacheDuration: duration(CACHE_MS),
      // Before any request asks; a request that is faster waits for its own. Not through the mesh: the thread that
      // would fetch has no internal listeners. Not slow: the init manager of a discovered filter never comes to it.
      ...(direct ? { asyncFetch: { fastListener: true, failedRefetchDuration: duration(RETRY_MS) } } : {}),
    },
  };
}

/**
 * Whether a token can change which route a request takes: by its claims, by what is written from it into headers, or
 * because it is taken out. Only then is the route chosen anew, and only then can filters that routes switch on be
 * switched on by a route that was not the first choice.
 */
export function reroutes(rules: readonly JwtRule[] | undefined, routes: readonly Route[]): boolean {
  if (rules === undefined || rules.length === 0) return false;
  const headers = new Set(rules.flatMap((rule) => changedHeaders(rule)));
  const parameters = new Set(rules.flatMap((rule) => changedParameters(rule)));
  return routes.some(
    ({ match }) =>
      match.claims !== undefined ||
      match.headers.some(({ name }) => headers.has(name)) ||
      match.query.some(({ name }) => parameters.has(name)),
  );
}

/**
 * Routes as they must be matched before a token was looked at. A header that is written from a token is taken from
 * callers who send it themselves, but only after the first choice of a route, which is never made again for who sends no
 * token: such a header counts only beside a token that was found valid.
 */
export function provenRoutes(rules: readonly JwtRule[] | undefined, routes: readonly Route[]): readonly Route[] {
  if (rules === undefined || rules.length === 0) return routes;
  const written = new Set(rules.flatMap((rule) => writtenHeaders(rule)));
  const asks = ({ match }: Route): boolean => match.headers.some(({ name, invert }) => !invert && written.has(name));
  return routes.some(asks) ? routes.map((route) => (asks(route) ? proven(route) : route)) : routes;
}

const proven = (route: Route): Route => ({
  ...route,
  match: { ...route.match, claims: [...(route.match.claims ?? []), { path: [], match: { kind: 'present' } }] },
});

const anywhere = ({ fromHeaders, fromParams, fromCookies }: JwtRule): boolean =>
  fromHeaders.length + fromParams.length + fromCookies.length === 0;

const writtenHeaders = (rule: JwtRule): readonly string[] => [
  ...(rule.payloadHeader === undefined ? [] : [rule.payloadHeader]),
  ...rule.claimHeaders.map(({ header }) => header),
];

const changedHeaders = (rule: JwtRule): readonly string[] => [
  ...writtenHeaders(rule),
  ...rule.fromHeaders.map(({ name }) => name),
  ...(rule.fromCookies.length > 0 ? ['cookie'] : []),
  ...(anywhere(rule) ? ['authorization'] : []),
];

const changedParameters = (rule: JwtRule): readonly string[] => [
  ...rule.fromParams,
  ...(anywhere(rule) ? ['access_token'] : []),
];
