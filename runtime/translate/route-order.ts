import type { Route, RouteMatch } from '#model/route.ts';
import { equal, none } from './memo.ts';

const rank: Readonly<Record<RouteMatch['path']['kind'], number>> = { exact: 3, prefix: 2, rawPrefix: 2, regex: 1 };

/**
 * The precedence of the Gateway API, as Istio sorts it: kind of path (exact, prefix, regex), its length, a method,
 * the number of headers, the number of query parameters. Negative: `a` first. Ties keep the order they are in, so a
 * caller sorts by age, namespace and name first.
 */
export function byPrecedence(a: RouteMatch, b: RouteMatch): number {
  return (
    rank[b.path.kind] - rank[a.path.kind] ||
    b.path.value.length - a.path.value.length ||
    Number(b.method !== undefined) - Number(a.method !== undefined) ||
    b.headers.length - a.headers.length ||
    b.query.length - a.query.length
  );
}

interface Aged {
  readonly metadata: { readonly creationTimestamp: string; readonly namespace: string; readonly name: string };
}

/** The older first (no time: youngest), then by namespace and name: who wins a tie between resources. */
export function byAge(a: Aged, b: Aged): number {
  const x = a.metadata;
  const y = b.metadata;
  if (x.creationTimestamp !== y.creationTimestamp) {
    if (x.creationTimestamp === '') return 1;
    if (y.creationTimestamp === '') return -1;
    return x.creationTimestamp < y.creationTimestamp ? -1 : 1;
  }
  return compare(x.namespace, y.namespace) || compare(x.name, y.name);
}

/** Sorted by age. Resources come sorted by namespace and name, so mostly they are in order and the list is the same. */
export function oldestFirst<T extends Aged>(list: readonly T[]): readonly T[] {
  return inOrder(list, byAge);
}

/** The list in this order: itself, where it is so already. */
export function inOrder<T>(list: readonly T[], order: (a: T, b: T) => number): readonly T[] {
  for (let index = 1; index < list.length; index++)
    if (order(list[index - 1]!, list[index]!) > 0) return list.toSorted(order);
  return list;
}

/** By code unit, so that no locale has a say. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Beyond this many routes only the whole-service catch-all is looked for: pairs would cost too much. */
const PAIRS_LIMIT = 400;

/** Routes that no request reaches, each with the earlier one that takes all of its requests. */
export function unreachable(routes: readonly Route[]): readonly { readonly route: Route; readonly by: Route }[] {
  if (routes.length < 2) return none;
  const found: { route: Route; by: Route }[] = [];
  const wide: Route[] = [];
  for (const route of routes) {
    const by = wide.find((earlier) => covers(earlier.match, route.match));
    if (by !== undefined) found.push({ route, by });
    else if (routes.length <= PAIRS_LIMIT || isCatchAll(route.match)) wide.push(route);
  }
  return found;
}

function isCatchAll(match: RouteMatch): boolean {
  const { path } = match;
  const every = path.value === '/' && (path.kind === 'prefix' || path.kind === 'rawPrefix');
  return (
    every &&
    match.method === undefined &&
    match.headers.length === 0 &&
    match.query.length === 0 &&
    match.claims === undefined
  );
}

/** Whether every request of `narrow` is one of `wide`. Errs towards no: regular expressions are not compared. */
function covers(wide: RouteMatch, narrow: RouteMatch): boolean {
  return (
    pathCovers(wide.path, narrow.path) &&
    (wide.method === undefined || wide.method === narrow.method) &&
    wide.headers.every((header) => narrow.headers.some((other) => equal(header, other))) &&
    wide.query.every((parameter) => narrow.query.some((other) => equal(parameter, other))) &&
    (wide.claims ?? none).every((claim) => narrow.claims?.some((other) => equal(claim, other)) === true)
  );
}

function pathCovers(wide: RouteMatch['path'], narrow: RouteMatch['path']): boolean {
  if (wide.kind === narrow.kind && wide.value === narrow.value) return true;
  if (wide.kind === 'prefix' && wide.value === '/') return true;
  if (narrow.kind === 'regex') return wide.kind === 'rawPrefix' && (wide.value === '/' || wide.value === '');
  if (wide.kind === 'prefix') {
    return narrow.kind !== 'rawPrefix' && (narrow.value === wide.value || narrow.value.startsWith(`${wide.value}/`));
  }
  return wide.kind === 'rawPrefix' && narrow.value.startsWith(wide.value);
}
