import type { StringMatch } from '#model/match.ts';
import type { RouteMatch } from '#model/route.ts';
import { claimPath } from '#resources/routing-claim.ts';
import { regardlessOfCase, type HTTPMatchRequest, type IstioStringMatch } from '#resources/virtual-service-match.ts';

type HeaderMatch = RouteMatch['headers'][number];

const everything = { kind: 'rawPrefix', value: '/' } as const;
const everyRequest: RouteMatch = { path: everything, headers: [], query: [] };

/** A match of a VirtualService: prefixes are raw text, and the pseudo-headers can be matched by any kind. */
export function requestMatch(match: HTTPMatchRequest | undefined): RouteMatch {
  if (match === undefined) return everyRequest;
  const { uri, method, scheme, authority, headers, withoutHeaders, queryParams } = match;
  const claims = [...claimsOf(headers), ...claimsOf(withoutHeaders).map((claim) => ({ ...claim, invert: true }))];
  const pseudo: readonly (readonly [string, IstioStringMatch | undefined])[] = [
    [':scheme', scheme],
    [':authority', authority],
    [':method', method?.exact === undefined ? method : undefined],
  ];
  return {
    path: pathOf(uri, match.ignoreUriCase === true),
    ...(method?.exact === undefined ? {} : { method: method.exact }),
    headers: [
      ...pseudo.flatMap(([name, value]) => (value === undefined ? [] : [{ name, match: valueOf(value) }])),
      ...entries(headers).map(([name, value]) => header(name, value)),
      ...entries(withoutHeaders).map(([name, value]) => ({ ...header(name, value), invert: true })),
    ],
    ...(claims.length === 0 ? {} : { claims }),
    query: Object.entries(queryParams).map(([name, value]) => ({ name, match: valueOf(value) })),
  };
}

type Headers = HTTPMatchRequest['headers'];

const entries = (headers: Headers): readonly (readonly [string, IstioStringMatch])[] =>
  Object.entries(headers).filter(([name]) => claimPath(name) === undefined);

const claimsOf = (headers: Headers): NonNullable<RouteMatch['claims']> =>
  Object.entries(headers).flatMap(([name, value]) => {
    const path = claimPath(name);
    return path === undefined ? [] : [{ path, match: valueOf(value) }];
  });

const header = (name: string, value: IstioStringMatch): HeaderMatch => ({
  name: name.toLowerCase(),
  match: valueOf(value),
});

/** None of the three, or an empty one of prefix and regex, asks for presence. */
function valueOf({ exact, prefix, regex }: IstioStringMatch): StringMatch {
  if (exact !== undefined) return { kind: 'exact', value: exact };
  if (prefix) return { kind: 'prefix', value: prefix };
  return regex ? { kind: 'regex', value: regex } : { kind: 'present' };
}

function pathOf(uri: HTTPMatchRequest['uri'], ignoreCase: boolean): RouteMatch['path'] {
  if (uri === undefined) return everything;
  const { exact, prefix, regex } = uri;
  if (regex !== undefined) return { kind: 'regex', value: regex };
  const value = exact ?? prefix;
  if (ignoreCase) return { kind: 'regex', value: regardlessOfCase(uri) };
  return { kind: exact === undefined ? 'rawPrefix' : 'exact', value };
}
