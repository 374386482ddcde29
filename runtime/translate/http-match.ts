import type { RouteMatch } from '#model/route.ts';
import type { HTTPMatch } from '#resources/http-match.ts';
import { none } from './memo.ts';

/**
 * A match of an HTTPRoute. A prefix goes by segments, so its trailing slash means nothing and is taken off. Of several
 * headers (or query parameters) of one name the first counts, as the Gateway API says.
 */
export function routeMatch(match: HTTPMatch): RouteMatch {
  const headers = firstOfEach(match.headers, ({ name }) => name.toLowerCase());
  const query = firstOfEach(match.queryParams, ({ name }) => name);
  return {
    path: pathOf(match.path),
    ...(match.method === undefined ? {} : { method: match.method }),
    headers: mapped(headers, ({ name, type, value }) => ({ name: name.toLowerCase(), match: valueMatch(type, value) })),
    query: mapped(query, ({ name, type, value }) => ({ name, match: valueMatch(type, value) })),
  };
}

function pathOf({ type, value }: HTTPMatch['path']): RouteMatch['path'] {
  switch (type) {
    case 'Exact':
      return { kind: 'exact', value };
    case 'PathPrefix':
      return { kind: 'prefix', value: value.replace(/\/+$/, '') || '/' };
    case 'RegularExpression':
      return { kind: 'regex', value };
  }
}

const valueMatch = (type: 'Exact' | 'RegularExpression', value: string) =>
  ({ kind: type === 'Exact' ? 'exact' : 'regex', value }) as const;

/** Most lists of a match are empty, and then need no list of their own. */
const mapped = <T, U>(all: readonly T[], change: (each: T) => U): readonly U[] =>
  all.length === 0 ? none : all.map(change);

/** The first of those that have the same key. */
export function firstOfEach<T>(all: readonly T[], key: (each: T) => string): readonly T[] {
  if (all.length < 2) return all;
  const seen = new Set<string>();
  return all.filter((each) => {
    const name = key(each);
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}
