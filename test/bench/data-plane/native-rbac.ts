import type { AuthzPolicySet } from '#model/authz.ts';
import type { StringMatch } from '#model/match.ts';
import { rbac } from '../../vectors/rbac.ts';

// Envoy's own RBAC filter with the same policies, in its two forms: `rules`, which Istio uses and which is looked
// through from the first to the last, and `matcher`, a tree of hash tables.

type Json = Readonly<Record<string, unknown>>;

const TYPE = 'type.googleapis.com/envoy';
const RBAC = `${TYPE}.extensions.filters.http.rbac.v3.RBAC`;

/** The filter's configuration with `rules`, shaped as Istio's builder shapes them. Only for ALLOW policies. */
export const rulesConfig = (set: AuthzPolicySet): Json => ({ '@type': RBAC, ...rbac(set, 'ALLOW') });

/** The same with a `matcher`: by path, and in it by principal. Only for policies of one path and one principal. */
export function matcherConfig(set: AuthzPolicySet): Json {
  const byPath = new Map<string, Set<string>>();
  for (const { rules } of set.policies) {
    for (const rule of rules) {
      const path = only(rule.to[0]?.paths.any);
      byPath.set(path, (byPath.get(path) ?? new Set()).add(only(rule.from[0]?.principals.any)));
    }
  }
  const paths = [...byPath].map(([path, principals]) => {
    const callers = [...principals].map((principal) => [principal, action('ALLOW')] as const);
    return [path, { matcher: tree(PRINCIPAL, callers) }] as const;
  });
  return { '@type': RBAC, matcher: { ...tree(PATH, paths), on_no_match: action('DENY') } };
}

const only = (values: readonly StringMatch[] = []): string => {
  const [value] = values;
  if (values.length !== 1 || value?.kind !== 'exact') throw new Error('expected one exact value a clause');
  return value.value;
};

const PATH = {
  name: 'path',
  typed_config: { '@type': `${TYPE}.type.matcher.v3.HttpRequestHeaderMatchInput`, header_name: ':path' },
};

const PRINCIPAL = {
  name: 'principal',
  typed_config: {
    '@type': `${TYPE}.extensions.matching.common_inputs.network.v3.FilterStateInput`,
    key: 'io.istio.peer_principal',
  },
};

const tree = (input: Json, entries: readonly (readonly [string, Json])[]): Json => ({
  matcher_tree: { input, exact_match_map: { map: Object.fromEntries(entries) } },
});

const action = (verdict: 'ALLOW' | 'DENY'): Json => ({
  action: {
    name: 'action',
    typed_config: { '@type': `${TYPE}.config.rbac.v3.Action`, name: verdict.toLowerCase(), action: verdict },
  },
});
