/** The key of a condition in `when`, taken apart. */
export type ConditionKey =
  | { readonly kind: 'header'; readonly name: string }
  /** A claim of the request's token, and claims within it. */
  | { readonly kind: 'claim'; readonly claim: readonly string[] }
  /** What a filter of Envoy left in its metadata. */
  | { readonly kind: 'metadata'; readonly filter: string; readonly name: string }
  | { readonly kind: 'plain'; readonly key: PlainKey };

const plainKeys = [
  'source.ip',
  'remote.ip',
  'source.namespace',
  'source.principal',
  'source.serviceAccount',
  'source.trustDomain',
  'request.auth.principal',
  'destination.ip',
  'destination.port',
  'connection.sni',
] as const;

export type PlainKey = (typeof plainKeys)[number];

/** Every key there is, for a person who wrote another. */
export const conditionKeys: readonly string[] = [
  'request.headers[name]',
  ...plainKeys,
  'request.auth.audiences',
  'request.auth.presenter',
  'request.auth.claims[name]',
  'experimental.envoy.filters.name[key]',
];

/** Reads a key as Istio does; undefined when it is none. */
export function readConditionKey(key: string): ConditionKey | undefined {
  const plain = plainKeys.find((one) => one === key);
  if (plain !== undefined) return { kind: 'plain', key: plain };
  if (key === 'request.auth.audiences') return { kind: 'claim', claim: ['aud'] };
  if (key === 'request.auth.presenter') return { kind: 'claim', claim: ['azp'] };
  const header = bracketed(key, 'request.headers');
  if (header !== undefined) return { kind: 'header', name: header };
  const claim = bracketed(key, 'request.auth.claims');
  if (claim !== undefined) return { kind: 'claim', claim: nested(claim) };
  const [, filter, name] = /^experimental\.(envoy\.filters\.[^[]+)\[(.+)\]$/s.exec(key) ?? [];
  return filter === undefined || name === undefined ? undefined : { kind: 'metadata', filter, name };
}

/** What stands in brackets behind the prefix, up to the end of the key. */
function bracketed(key: string, prefix: string): string | undefined {
  if (!key.startsWith(`${prefix}[`) || !key.endsWith(']')) return undefined;
  return key.slice(prefix.length + 1, -1) || undefined;
}

/** `a][b` is `b` within `a`. Brackets that do not pair up so are part of one name. */
function nested(names: string): readonly string[] {
  const parts = names.split('][');
  return parts.some((part) => /[[\]]/.test(part)) ? [names] : parts;
}
