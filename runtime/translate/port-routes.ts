import type { Finding } from '#model/finding.ts';
import type { Route } from '#model/route.ts';
import { noMutations } from './http-filter.ts';
import { ownBackend, type Translated } from './http-route.ts';
import { none } from './memo.ts';
import { byPrecedence, unreachable } from './route-order.ts';

/** The route table of one port in which nothing is left to chance: ordered, and with names that differ. */
export function mergeRoutes(translated: readonly Translated[], order: 'precedence' | 'as written'): Translated {
  const [first] = translated;
  // One resource is what most ports have.
  const all = translated.length === 1 ? first!.routes : translated.flatMap(({ routes }) => routes);
  const sorted =
    order === 'precedence' && all.length > 1 ? all.toSorted((a, b) => byPrecedence(a.match, b.match)) : all;
  const routes = distinctNames(sorted);
  return {
    routes,
    uses: translated.length === 1 ? first!.uses : translated.flatMap(({ uses }) => uses),
    findings: unreachableFindings(routes),
  };
}

/** What a port does that no resource speaks of: everything goes to the service itself. */
export function defaultRoute(backend: string): Route {
  return {
    name: 'default',
    match: { path: { kind: 'prefix', value: '/' }, headers: [], query: [] },
    action: {
      kind: 'forward',
      backends: [{ backend, weight: 1, requestHeaders: noMutations, responseHeaders: noMutations }],
      timeoutMs: 0,
    },
    requestHeaders: noMutations,
    responseHeaders: noMutations,
  };
}

/** Routes of a whole waypoint for one service: its own backend fills the place that was left for it. */
export function withOwnBackend(routes: readonly Route[], backend: string): readonly Route[] {
  return routes.map((route) => {
    const { action } = route;
    if (action.kind !== 'forward' || !action.backends.some((each) => each.backend === ownBackend)) return route;
    const backends = action.backends.map((each) => (each.backend === ownBackend ? { ...each, backend } : each));
    return { ...route, action: { ...action, backends } };
  });
}

/** Two rules of one name would be one in statistics and in `explain`. */
function distinctNames(routes: readonly Route[]): readonly Route[] {
  const seen = new Map<string, number>();
  if (new Set(routes.map(({ name }) => name)).size === routes.length) return routes;
  return routes.map((route) => {
    const count = seen.get(route.name) ?? 0;
    seen.set(route.name, count + 1);
    return count === 0 ? route : { ...route, name: `${route.name}~${count}` };
  });
}

function unreachableFindings(routes: readonly Route[]): readonly Finding[] {
  const found = unreachable(routes);
  return found.length === 0 ? none : found.map(({ route, by }) => unreachableFinding(route, by));
}

function unreachableFinding(route: Route, by: Route): Finding {
  const { kind, namespace, name, rule } = route.origin!;
  const field = kind === 'VirtualService' ? 'http' : 'rules';
  const other = by.origin;
  const earlier =
    other === undefined ? by.name : `${other.kind} ${other.namespace}/${other.name} ${field}[${other.rule}]`;
  return {
    code: 'PTL1402',
    level: 'warning',
    resource: { kind, namespace, name },
    path: `spec.${field}[${rule}]`,
    message: `${kind} ${name}: ${field}[${rule}] can never match, because ${earlier} takes its requests first`,
    expected: 'a match that the earlier route leaves something of',
    came: describe(route),
    effect: 'the route gets no requests',
    next: kind === 'VirtualService' ? `move ${field}[${rule}] up` : 'make its match more specific, or remove it',
  };
}

const describe = ({ match }: Route): string =>
  [match.method, match.path.kind, match.path.value].filter((part) => part !== undefined).join(' ');
