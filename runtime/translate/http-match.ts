import type { RouteMatch } from '#model/route.ts';
import type { HTTPMatch } from '#resources/http-match.ts';

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
    headers: headers.map(({ name, type, value }) => ({ name: name.toLowerCase(), match: valueMatch(type, value) })),
    query: query.map(({ name, type, value }) => ({ name, match: valueMatch(type, value) })),
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

/** The first of those that have the same key. */
export function firstOfEach<T>(all: readonly T[], key: (each: T) => string): readonly T[] {
  const seen = new Set<string>();
  return all.filter((each) => {
    const name = key(each);
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}
