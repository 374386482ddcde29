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
  type Route as EnvoyRoute,
  VirtualHostSchema,
} from '#gen/envoy/config/route/v3/route_components_pb.ts';
import { RedirectAction_RedirectResponseCode } from '#gen/envoy/config/route/v3/route_components_pb.ts';
import { any } from './any.ts';
import { composed, duration, NONE } from './encode.ts';
import { DRAW_HEADER, filterName, JWT_AUTHN, JWT_PAYLOAD, UNRESOLVED, type Feature } from './names.ts';
import { REFUSALS } from './refusal.ts';
import { ROUTES, type XdsResource } from './resource.ts';
import { shaped } from './shape.ts';
import type { Slab } from './slab.ts';
import { enclose, hole, template, type Template, write } from './template.ts';

/** The route table of one service port, for RDS. The service was chosen by address, so one virtual host serves any Host. */
/** `rerouted`: a request may be given another route after its filters were chosen by the first (authn.ts). */
export function routeConfiguration(name: string, routes: readonly Route[], rerouted = false): XdsResource {
  const enabled = rerouted ? switching(routes) : undefined;
  const all = enabled === undefined ? routes : [...routes, NOTHING];
  return composed(ROUTES, name, (slab) => {
    slab.partEnds();
    for (let index = all.length - 1; index >= 0; index--) {
      slab.partEnds();
      writeRoute(slab, name, all[index]!, enabled);
      enclose(slab, VirtualHostSchema.field.routes);
    }
    slab.raw(VIRTUAL_HOST);
    enclose(slab, RouteConfigurationSchema.field.virtualHosts);
    write(slab, NAME, [name]);
  });
}

const NAME = template(RouteConfigurationSchema, { name: hole(0) });

/** Any Host: what a request is for was chosen by the address of its tunnel. */
export const virtualHost = (routes: readonly EnvoyRoute[]): Uint8Array =>
  toBinary(
    VirtualHostSchema,
    create(VirtualHostSchema, {
      name: 'service',
      domains: ['*'],
      routes: [...routes],
      requestHeadersToRemove: [DRAW_HEADER, 'x-envoy-external-address'],
    }),
  );

const VIRTUAL_HOST = virtualHost(REFUSALS);

/** Switches a sleeping filter (filter.ts) on: an entry with a configuration that is present and empty. */
const ENABLE = template(RouteSchema, {
  typedPerFilterConfig: { [hole(0)]: any(FilterConfigSchema, { config: create(AnySchema) }) },
});

const writeShaped = shaped(RouteSchema);

/** The sleeping filters that a route needs. */
const sleepers = (route: Route): readonly Feature[] => [
  ...(splits(route.action) ? (['routing'] as const) : []),
  ...(route.fault === undefined ? [] : (['fault'] as const)),
];

/** Those that every route must switch on, because nobody knows which will be taken; undefined: none. */
function switching(routes: readonly Route[]): readonly Feature[] | undefined {
  const needed = new Set(routes.flatMap(sleepers));
  return needed.size === 0 ? undefined : [...needed];
}

/** What no route takes, answered as Envoy would, but by a route: filters can be switched on by nothing else. */
const NOTHING: Route = {
  name: 'none',
  match: { path: { kind: 'rawPrefix', value: '/' }, headers: [], query: [] },
  action: { kind: 'respond', status: 404, body: '' },
  requestHeaders: { set: [], add: [], remove: [] },
  responseHeaders: { set: [], add: [], remove: [] },
};

/** A route in parts, which merge when they are read one after the other. */
function writeRoute(slab: Slab, target: string, route: Route, enabled: readonly Feature[] | undefined): void {
  if (enabled?.includes('fault') ?? route.fault !== undefined) write(slab, ENABLE, [filterName('fault', target)]);
  if (enabled?.includes('routing') ?? splits(route.action)) write(slab, ENABLE, [filterName('routing', target)]);
  if (!writePlain(slab, route)) writeShaped(slab, message(route));
}

const message = (route: Route) => ({
  name: route.name,
  match: routeMatch(route.match),
  action: action(route.action),
  ...mutations(route.requestHeaders, route.responseHeaders),
});

/** Templates of plain routes, by all that is not text in them. */
const plain = new Map<string, Template>();

/** Most routes look at the path and forward, and nothing else: their message need not even be made. */
function writePlain(slab: Slab, route: Route): boolean {
  const { match, action: forward } = route;
  if (forward.kind !== 'forward' || !isPlain(route, forward)) return false;
  const path = match.path.kind === 'prefix' ? trimmed(match.path.value) : match.path.value;
  let shape = `${match.path.kind} ${path === ''} ${forward.timeoutMs}`;
  const texts = [route.name, path];
  for (const { backend, weight } of forward.backends) {
    shape += ` ${weight}`;
    texts.push(backend ?? UNRESOLVED);
  }
  let known = plain.get(shape);
  if (known === undefined) plain.set(shape, (known = plainTemplate(route, forward, path)));
  write(slab, known, texts);
  return true;
}

/** All that a match has: a new member stops the compiler here, or plain routes would leave it out. */
type MatchMembers = 'path' | 'method' | 'headers' | 'query' | 'claims';
type KnownMatch = Exclude<keyof RouteMatch, MatchMembers> extends never ? RouteMatch : never;

const looksAtPathOnly = ({ method, headers, query, claims }: KnownMatch): boolean =>
  method === undefined && headers.length === 0 && query.length === 0 && claims === undefined;

const isPlain = ({ match, requestHeaders, responseHeaders }: Route, forward: Forward): boolean =>
  looksAtPathOnly(match) &&
  forward.retry === undefined &&
  forward.rewriteHost === undefined &&
  forward.rewritePath === undefined &&
  isEmpty(requestHeaders) &&
  isEmpty(responseHeaders) &&
  !forward.backends.some(mutates);

const plainTemplate = (route: Route, forward: Forward, path: string): Template =>
  template(
    RouteSchema,
    message({
      ...route,
      name: hole(0),
      match: { ...route.match, path: { ...route.match.path, value: path === '' ? '' : hole(1) } },
      action: { ...forward, backends: forward.backends.map((each, index) => ({ ...each, backend: hole(index + 2) })) },
    }),
  );

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
    ...(match.claims === undefined ? {} : { dynamicMetadata: match.claims.map(claimMatch) }),
  };
}

/** A claim is a text, or a list of which one is meant: either holds. */
function claimMatch({ path, match, invert = false }: NonNullable<RouteMatch['claims']>[number]) {
  return {
    filter: JWT_AUTHN,
    path: [JWT_PAYLOAD, ...path].map((key) => ({ segment: { case: 'key' as const, value: key } })),
    value: { matchPattern: claimValue(match) },
    invert,
  };
}

function claimValue(match: StringMatch) {
  if (match.kind === 'present') return { case: 'presentMatch' as const, value: true };
  const text = { matchPattern: { case: 'stringMatch' as const, value: stringMatcher(match) } };
  const list = {
    matchPattern: { case: 'listMatch' as const, value: { matchPattern: { case: 'oneOf' as const, value: text } } },
  };
  return { case: 'orMatch' as const, value: { valueMatchers: [list, text] } };
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
      const value = trimmed(path.value);
      return value === '' ? { case: 'prefix' as const, value: '/' } : { case: 'pathSeparatedPrefix' as const, value };
    }
  }
}

function trimmed(prefix: string): string {
  let end = prefix.length;
  while (end > 0 && prefix[end - 1] === '/') end--;
  return prefix.slice(0, end);
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
export const SAFE_RETRY = { retryOn: 'connect-failure,refused-stream,reset-before-request', numRetries: 2 };

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
