import type { StringMatch } from '#model/match.ts';
import type { Route, RouteMatch } from '#model/route.ts';
import { matchesWholly } from '#resources/regular-expression.ts';

/** What a route looks at. */
export interface RoutedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface RouteChoice {
  /** Undefined: no route matches, and the answer is 404. */
  readonly route: Route | undefined;
  /** The routes before it, each with the first thing that it demanded in vain. */
  readonly lost: readonly { readonly route: Route; readonly why: string }[];
}

/** The first route that matches, as Envoy tries them, and why those before it do not. */
export function chooseRoute(routes: readonly Route[], request: RoutedRequest): RouteChoice {
  const lost: { readonly route: Route; readonly why: string }[] = [];
  for (const route of routes) {
    const why = misses(route.match, request);
    if (why === undefined) return { route, lost };
    lost.push({ route, why });
  }
  return { route: undefined, lost };
}

/** The first demand of a match that the request does not meet, in words; undefined when it meets all. */
export function misses(match: RouteMatch, { method, path, headers }: RoutedRequest): string | undefined {
  const [pathname = '', query = ''] = path.split('?', 2);
  if (!pathMatches(match.path, pathname)) return `path ${match.path.kind} "${match.path.value}" ≠ "${pathname}"`;
  if (match.method !== undefined && match.method !== method) return `method ${match.method} ≠ ${method}`;
  for (const { name, match: wanted, invert = false } of match.headers) {
    // Envoy joins repeated lines with a comma before it compares.
    const lines = headers.filter(([header]) => header === name.toLowerCase()).map(([, value]) => value);
    const value = lines.length === 0 ? undefined : lines.join(',');
    if (matches(wanted, value) === invert)
      return `header ${name} ${invert ? 'not ' : ''}${inWords(wanted)}, ${cameAs(value)}`;
  }
  for (const { path: claim, match: wanted, invert = false } of match.claims ?? []) {
    // No token is read here: whoever explains has none, or should not give it away.
    if (!invert) return `claim ${claim.join('.')} ${inWords(wanted)}, which only a valid token can have`;
  }
  const parameters = new URLSearchParams(query);
  for (const { name, match: wanted } of match.query) {
    const value = parameters.get(name) ?? undefined;
    if (!matches(wanted, value)) return `query ${name} ${inWords(wanted)}, ${cameAs(value)}`;
  }
  return undefined;
}

function pathMatches({ kind, value }: RouteMatch['path'], path: string): boolean {
  switch (kind) {
    case 'exact':
      return path === value;
    case 'rawPrefix':
      return path.startsWith(value);
    case 'prefix': {
      const stem = value.replace(/\/+$/, '');
      return path === stem || path.startsWith(`${stem}/`);
    }
    case 'regex':
      return matchesWholly(value, path);
  }
}

function matches(wanted: StringMatch, value: string | undefined): boolean {
  if (value === undefined) return false;
  switch (wanted.kind) {
    case 'exact':
      return value === wanted.value;
    case 'prefix':
      return value.startsWith(wanted.value);
    case 'suffix':
      return value.endsWith(wanted.value);
    case 'present':
      return true;
    case 'regex':
      return matchesWholly(wanted.value, value);
    // Templates are of authorization; a route never has one.
    case 'template':
      return false;
  }
}

const inWords = (wanted: StringMatch): string =>
  wanted.kind === 'present' ? 'present' : `${wanted.kind} "${wanted.value}"`;
const cameAs = (value: string | undefined): string => (value === undefined ? 'which is absent' : `came "${value}"`);
