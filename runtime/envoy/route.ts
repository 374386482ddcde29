import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import type { StringMatch } from '#model/match.ts';
import type { HeaderMutations, PathRewrite, Route, RouteAction, RouteMatch, WeightedBackend } from '#model/route.ts';
import { HeaderValueOption_HeaderAppendAction } from '#gen/envoy/config/core/v3/base_pb.ts';
import { splits } from '#policy/routing/compile.ts';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.ts';
import {
  FilterConfigSchema,
  RouteAction_ClusterNotFoundResponseCode,
  RouteSchema,
  VirtualHostSchema,
} from '#gen/envoy/config/route/v3/route_components_pb.ts';
import { RedirectAction_RedirectResponseCode } from '#gen/envoy/config/route/v3/route_components_pb.ts';
import { any } from './any.ts';
import { duration, encoded, NONE } from './encode.ts';
import { DRAW_HEADER, filterName, UNRESOLVED, type Feature } from './names.ts';
import { REFUSALS } from './refusal.ts';
import type { XdsResource } from './resource.ts';
import { shaped } from './shape.ts';
import { field, hole, template } from './template.ts';

/** The route table of one service port, for RDS. The service was chosen by address, so one virtual host serves any Host. */
export function routeConfiguration(name: string, routes: readonly Route[]): XdsResource {
  const encodedRoutes = routes.map((route) => field(VirtualHostSchema.field.routes, ...routeParts(name, route)));
  const virtualHost = field(RouteConfigurationSchema.field.virtualHosts, VIRTUAL_HOST, ...encodedRoutes);
  return encoded(name, RouteConfigurationSchema, Buffer.concat([NAME(name), virtualHost]));
}

const NAME = template(RouteConfigurationSchema, { name: hole(0) });

const VIRTUAL_HOST = toBinary(
  VirtualHostSchema,
  create(VirtualHostSchema, {
    name: 'service',
    domains: ['*'],
    routes: [...REFUSALS],
    requestHeadersToRemove: [DRAW_HEADER, 'x-envoy-external-address'],
  }),
);

/** Switches a sleeping filter (filter.ts) on: an entry with a configuration that is present and empty. */
const ENABLE = template(RouteSchema, {
  typedPerFilterConfig: { [hole(0)]: any(FilterConfigSchema, { config: create(AnySchema) }) },
});

const encodeRoute = shaped(RouteSchema);

/** A route in parts, which merge when they are read one after the other. */
function routeParts(target: string, route: Route): readonly Uint8Array[] {
  const enabled: Feature[] = [];
  if (splits(route.action)) enabled.push('routing');
  if (route.fault !== undefined) enabled.push('fault');
  const main = encodeRoute({
    name: route.name,
    match: routeMatch(route.match),
    action: action(route.action),
    ...mutations(route.requestHeaders, route.responseHeaders),
  });
  return [main, ...enabled.map((feature) => ENABLE(filterName(feature, target)))];
}

function routeMatch(match: RouteMatch) {
  const headers = match.headers.map(({ name, match: value, invert = false }) => ({
    name,
    invertMatch: invert,
    headerMatchSpecifier: headerMatch(value),
  }));
  if (match.method !== undefined) {
    headers.push({
      name: ':method',
      invertMatch: false,
      headerMatchSpecifier: headerMatch({ kind: 'exact', value: match.method }),
    });
  }
  const queryParameters = match.query.map(({ name, match: value }) => ({
    name,
    queryParameterMatchSpecifier:
      value.kind === 'present'
        ? { case: 'presentMatch' as const, value: true }
        : { case: 'stringMatch' as const, value: stringMatcher(value) },
  }));
  return {
    pathSpecifier: pathMatch(match.path),
    ...(headers.length === 0 ? {} : { headers }),
    ...(queryParameters.length === 0 ? {} : { queryParameters }),
  };
}

/** A prefix of the Gateway API matches whole segments, whether or not it ends with a slash; `/` matches everything. */
function pathMatch(path: RouteMatch['path']) {
  switch (path.kind) {
    case 'exact':
      return { case: 'path' as const, value: path.value };
    case 'rawPrefix':
      return { case: 'prefix' as const, value: path.value };
    case 'regex':
      return { case: 'safeRegex' as const, value: { regex: path.value } };
    case 'prefix': {
      const trimmed = path.value.replace(/\/+$/, '');
      return trimmed === ''
        ? { case: 'prefix' as const, value: '/' }
        : { case: 'pathSeparatedPrefix' as const, value: trimmed };
    }
  }
}

const headerMatch = (match: StringMatch) =>
  match.kind === 'present'
    ? { case: 'presentMatch' as const, value: true }
    : { case: 'stringMatch' as const, value: stringMatcher(match) };

function stringMatcher(match: Exclude<StringMatch, { kind: 'present' }>) {
  switch (match.kind) {
    case 'exact':
    case 'prefix':
    case 'suffix':
      return { matchPattern: { case: match.kind, value: match.value } };
    case 'regex':
      return { matchPattern: { case: 'safeRegex' as const, value: { regex: match.value } } };
    case 'template':
      throw new Error('a URI template is not a match of headers or query parameters');
  }
}

function action(routeAction: RouteAction) {
  switch (routeAction.kind) {
    case 'forward':
      return { case: 'route' as const, value: forward(routeAction) };
    case 'redirect':
      return { case: 'redirect' as const, value: redirect(routeAction) };
    case 'respond':
      return {
        case: 'directResponse' as const,
        value: {
          status: routeAction.status,
          ...(routeAction.body === ''
            ? {}
            : { body: { specifier: { case: 'inlineString' as const, value: routeAction.body } } }),
        },
      };
  }
}

type Forward = Extract<RouteAction, { kind: 'forward' }>;

/** Only requests of which no byte was sent on are tried again, unless the route says more: no request happens twice. */
const SAFE_RETRY = { retryOn: 'connect-failure,refused-stream,reset-before-request', numRetries: 2 };

function forward(route: Forward) {
  return {
    clusterSpecifier: clusters(route),
    clusterNotFoundResponseCode: RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR,
    timeout: duration(route.timeoutMs),
    maxStreamDuration: { maxStreamDuration: NONE, grpcTimeoutHeaderMax: NONE },
    retryPolicy:
      route.retry === undefined
        ? SAFE_RETRY
        : {
            retryOn: route.retry.on,
            numRetries: route.retry.attempts,
            ...(route.retry.perTryTimeoutMs === undefined
              ? {}
              : { perTryTimeout: duration(route.retry.perTryTimeoutMs) }),
          },
    ...(route.rewriteHost === undefined
      ? {}
      : { hostRewriteSpecifier: { case: 'hostRewriteLiteral' as const, value: route.rewriteHost } }),
    ...pathRewrite(route.rewritePath),
  };
}

function clusters(route: Forward) {
  const [only] = route.backends;
  if (route.backends.length === 1 && only !== undefined && !mutates(only)) {
    return { case: 'cluster' as const, value: only.backend ?? UNRESOLVED };
  }
  return {
    case: 'weightedClusters' as const,
    value: {
      clusters: route.backends.map((backend) => ({
        name: backend.backend ?? UNRESOLVED,
        weight: backend.weight,
        ...mutations(backend.requestHeaders, backend.responseHeaders),
      })),
      // The weights are the truth; the draw only says where on them this request falls. Without it Envoy draws itself.
      ...(splits(route) ? { randomValueSpecifier: { case: 'headerName' as const, value: DRAW_HEADER } } : {}),
    },
  };
}

const isEmpty = (headers: HeaderMutations): boolean =>
  headers.set.length + headers.add.length + headers.remove.length === 0;

const mutates = (backend: WeightedBackend): boolean =>
  !isEmpty(backend.requestHeaders) || !isEmpty(backend.responseHeaders);

const mutations = (request: HeaderMutations, response: HeaderMutations) => ({
  ...(isEmpty(request) ? {} : { requestHeadersToAdd: additions(request), requestHeadersToRemove: [...request.remove] }),
  ...(isEmpty(response)
    ? {}
    : { responseHeadersToAdd: additions(response), responseHeadersToRemove: [...response.remove] }),
});

const additions = (headers: HeaderMutations) => [
  ...headers.set.map(([key, value]) => ({
    header: { key, value: literal(value) },
    appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
  })),
  ...headers.add.map(([key, value]) => ({
    header: { key, value: literal(value) },
    appendAction: HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD,
  })),
];

/** Envoy reads `%` in header values as a command; a resource's value is plain text. */
const literal = (value: string): string => value.replaceAll('%', '%%');

/**
 * `prefix` replaces what the route's prefix matched. Envoy's prefix_rewrite knows that prefix, but would make `//` of
 * a replacement that ends with a slash: `/` is written by a regular expression instead.
 */
function pathRewrite(rewrite: PathRewrite | undefined) {
  if (rewrite === undefined) return {};
  if (rewrite.kind === 'full') {
    return { regexRewrite: { pattern: { regex: '^[^?]*' }, substitution: rewrite.value.replaceAll('\\', '\\\\') } };
  }
  return { prefixRewrite: rewrite.value === '' ? '/' : rewrite.value };
}

const REDIRECT_CODES: Readonly<Record<number, RedirectAction_RedirectResponseCode>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

function redirect(to: Extract<RouteAction, { kind: 'redirect' }>) {
  const path =
    to.path === undefined
      ? {}
      : {
          pathRewriteSpecifier:
            to.path.kind === 'full'
              ? { case: 'pathRedirect' as const, value: to.path.value }
              : { case: 'prefixRewrite' as const, value: to.path.value },
        };
  return {
    responseCode: REDIRECT_CODES[to.status] ?? RedirectAction_RedirectResponseCode.FOUND,
    ...(to.host === undefined ? {} : { hostRedirect: to.host }),
    ...(to.port === undefined ? {} : { portRedirect: to.port }),
    ...(to.scheme === undefined
      ? {}
      : { schemeRewriteSpecifier: { case: 'schemeRedirect' as const, value: to.scheme } }),
    ...path,
  };
}
