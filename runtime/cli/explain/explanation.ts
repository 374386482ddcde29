import { API_VERSION } from '#admin/api.ts';
import type { JwtRule } from '#model/authn.ts';
import type { SpiffeId } from '#model/identity.ts';
import type { Fault } from '#model/fault.ts';
import { DEFAULT_PATH_NORMALIZATION, type PathNormalization } from '#model/path-normalization.ts';
import type { MetadataMap } from '#model/metadata.ts';
import type { Route, RouteAction } from '#model/route.ts';
import type { Waypoint } from '#model/waypoint.ts';
import { tokenMetadata } from '#policy/authz/token.ts';
import type { Destination } from '../destination.ts';
import { normalizedPath } from './path.ts';
import { judge, type Verdict } from './verdict.ts';
import { chooseRoute } from './route.ts';

/** A request as its caller sends it. */
export interface ExplainedRequest {
  readonly identity: SpiffeId;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** The Host header. */
  readonly host: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Of the caller; that of a pod with its identity when absent. */
  readonly sourceIp?: string;
  /** As its process was told; undefined: as the waypoint's mesh says, or the default. */
  readonly pathNormalization: PathNormalization | undefined;
  /** Of the token that it carries, verified. */
  readonly claims?: MetadataMap;
}

export interface BackendShare {
  /** `reviews-v1.bookinfo:9080`; undefined: a reference that does not resolve, answered 500. */
  readonly backend: string | undefined;
  readonly weight: number;
  /** From 0 to 1. */
  readonly share: number;
  readonly endpoints: number;
}

export interface ChosenRoute {
  readonly name: string;
  readonly origin?: Route['origin'];
  readonly match: Route['match'];
  readonly action: RouteAction['kind'];
  readonly fault?: Fault;
  readonly timeoutMs?: number;
  readonly retries?: number;
  readonly sticky?: string;
  /** Where a redirect leads, or what is answered. */
  readonly answer?: string;
}

/** What a waypoint does with one request, and why. Holds every field that the JSON form prints. */
export interface Explanation {
  readonly apiVersion: string;
  readonly decision: 'ALLOW' | 'DENY';
  readonly waypoint: string;
  readonly service: string;
  readonly port: number;
  readonly protocol: string;
  readonly authority: string;
  readonly identity: SpiffeId;
  readonly sourceIp: string;
  readonly method: string;
  /** As policies and routes see it: normalized. */
  readonly path: string;
  readonly pathNormalization: PathNormalization;
  /** Why the request is answered 400 before any policy is asked; then the decision is DENY. */
  readonly refused?: string;
  /** Whose tokens are checked before policies are asked; absent: nobody's. A request without a token passes. */
  readonly authn?: readonly { readonly issuer?: string; readonly policy: string; readonly refuses?: string }[];
  readonly authz: Verdict;
  /** Absent when denied, and when no route matches (404). */
  readonly route?: ChosenRoute;
  readonly lost: readonly { readonly name: string; readonly origin?: Route['origin']; readonly why: string }[];
  readonly backends: readonly BackendShare[];
}

/** Explains a request to an HTTP port. The verdict is the filter's own, from its WebAssembly. */
export async function explain(destination: Destination, request: ExplainedRequest): Promise<Explanation> {
  const { waypoint, port, authority } = destination;
  const { identity, method, host } = request;
  const pathNormalization = request.pathNormalization ?? waypoint.pathNormalization ?? DEFAULT_PATH_NORMALIZATION;
  const normalized = normalizedPath(request.path, pathNormalization);
  const path = normalized ?? request.path;
  const sourceIp = request.sourceIp ?? addressOf(waypoint, identity) ?? '127.0.0.1';
  const headers = request.headers.map(([name, value]) => [name.toLowerCase(), value] as const);
  const { route, lost } = chooseRoute(port.routes, { method, path, headers });
  const authz = await judge(port, {
    principal: identity,
    sourceIp,
    destinationIp: authority.slice(0, authority.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1'),
    destinationPort: port.port,
    host: headers.find(([name]) => name === 'host')?.[1] ?? host,
    method,
    path,
    headers: headers.filter(([name]) => name !== 'host'),
    ...(route === undefined ? {} : { route: route.name }),
    ...(request.claims === undefined ? {} : { metadata: tokenMetadata(request.claims) }),
  });
  return {
    apiVersion: API_VERSION,
    decision: authz.allowed && normalized !== undefined ? 'ALLOW' : 'DENY',
    waypoint: `${waypoint.namespace}/${waypoint.name}`,
    service: port.service.host,
    port: port.port,
    protocol: port.protocol,
    authority,
    identity,
    sourceIp,
    method,
    path,
    pathNormalization,
    ...(normalized === undefined ? { refused: 'the path holds an escaped slash' } : {}),
    ...(port.authn === undefined ? {} : { authn: port.authn.map(checkedTokens) }),
    authz,
    ...(route === undefined ? {} : { route: chosen(route) }),
    lost: lost.map(({ route: { name, origin }, why }) => ({ name, why, ...(origin === undefined ? {} : { origin }) })),
    backends: route === undefined ? [] : shares(route, waypoint),
  };
}

const checkedTokens = ({ issuer, origin, keys }: JwtRule): NonNullable<Explanation['authn']>[number] => ({
  ...(issuer === undefined ? {} : { issuer }),
  policy: `${origin.namespace}/${origin.name} rule[${origin.rule}]`,
  ...(keys.kind === 'none' ? { refuses: keys.reason } : {}),
});

const addressOf = ({ sources, workloads }: Waypoint, identity: SpiffeId): string | undefined =>
  [...sources, ...workloads].find((workload) => workload.identity === identity)?.address;

function chosen({ name, origin, match, action, fault }: Route): ChosenRoute {
  const common = {
    name,
    match,
    action: action.kind,
    ...(origin === undefined ? {} : { origin }),
    ...(fault === undefined ? {} : { fault }),
  };
  switch (action.kind) {
    case 'forward':
      return {
        ...common,
        timeoutMs: action.timeoutMs,
        retries: action.retry?.attempts ?? 0,
        ...(action.sticky === undefined ? {} : { sticky: stickyText(action.sticky) }),
      };
    case 'redirect': {
      const place = `${action.scheme ?? 'http'}://${action.host ?? '<same host>'}${action.port === undefined ? '' : `:${action.port}`}`;
      return { ...common, answer: `${action.status} → ${place}${action.path?.value ?? ''}` };
    }
    case 'respond':
      return { ...common, answer: `${action.status} ${action.body}`.trim() };
  }
}

const stickyText = (sticky: NonNullable<Extract<RouteAction, { kind: 'forward' }>['sticky']>): string =>
  sticky.by === 'identity' ? 'identity' : `${sticky.by} ${sticky.name}`;

function shares({ action }: Route, { backends }: Waypoint): readonly BackendShare[] {
  if (action.kind !== 'forward') return [];
  const total = action.backends.reduce((sum, { weight }) => sum + weight, 0);
  return action.backends.map(({ backend, weight }) => {
    const found = backends.find(({ name }) => name === backend);
    const subset = backend === undefined ? undefined : /^[^|]*\|[^|]*\|[^|/]*\/([^|]+)\|/.exec(backend)?.[1];
    const service = found && `${found.service.name}.${found.service.namespace}:${found.port}`;
    return {
      backend: service === undefined ? backend : `${service}${subset === undefined ? '' : ` subset ${subset}`}`,
      weight,
      share: total === 0 ? 0 : weight / total,
      endpoints: found?.endpoints.length ?? 0,
    };
  });
}
