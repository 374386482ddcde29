import type { Clause, MetadataMatch, RequestPrincipalMatch } from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { parseCidr } from '#resources/cidr.ts';

/** `*` is presence, `*x` a suffix, `x*` a prefix, everything else exact; a second `*` is a character like others. */
export function stringMatch(value: string): StringMatch {
  if (value === '*') return { kind: 'present' };
  if (value.startsWith('*')) return { kind: 'suffix', value: value.slice(1) };
  if (value.endsWith('*')) return { kind: 'prefix', value: value.slice(0, -1) };
  return { kind: 'exact', value };
}

/** Policies name principals without the scheme; the model has the whole SPIFFE id. */
export function principalMatch(value: string): StringMatch {
  const match = stringMatch(value);
  return match.kind === 'exact' || match.kind === 'prefix' ? { ...match, value: `spiffe://${match.value}` } : match;
}

/** A path is a URI template when it has `{*}` or `{**}`. */
export function pathMatch(value: string): StringMatch {
  return value.includes('{*}') || value.includes('{**}') ? { kind: 'template', value } : stringMatch(value);
}

/** In a namespace, and in a trust domain, `*` may stand anywhere, for any characters. */
export function namespaceMatch(value: string): StringMatch {
  const inner = value.slice(1, -1);
  if (!inner.includes('*') && !(value.length > 1 && value.startsWith('*') && value.endsWith('*'))) {
    return stringMatch(value);
  }
  const literals = value.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return { kind: 'regex', value: literals.join('.*') };
}

/** `account` of the policy's namespace, or `namespace/account`. */
export function serviceAccountMatch(value: string, namespace: string): StringMatch {
  return { kind: 'exact', value: value.includes('/') ? value : `${namespace}/${value}` };
}

const ANY: StringMatch = { kind: 'present' };

/** `issuer/subject`, cut at the last slash, for an issuer is often a URL. Where a star leaves the one open, so it is. */
export function requestPrincipalMatch(value: string): RequestPrincipalMatch {
  const slash = value.lastIndexOf('/');
  const [issuer, subject] = slash < 0 ? [value, undefined] : [value.slice(0, slash), value.slice(slash + 1)];
  if (value === '*') return { issuer: ANY, subject: ANY };
  if (value.startsWith('*')) {
    if (subject === undefined) return { issuer: ANY, subject: { kind: 'suffix', value: value.slice(1) } };
    const any = issuer === '*' ? ANY : ({ kind: 'suffix', value: issuer.slice(1) } as const);
    return { issuer: any, subject: { kind: 'exact', value: subject } };
  }
  if (value.endsWith('*')) {
    if (subject === undefined) return { issuer: { kind: 'prefix', value: value.slice(0, -1) }, subject: ANY };
    const any = subject === '*' ? ANY : ({ kind: 'prefix', value: subject.slice(0, -1) } as const);
    return { issuer: { kind: 'exact', value: issuer }, subject: any };
  }
  return { issuer: { kind: 'exact', value: issuer }, subject: { kind: 'exact', value: subject ?? '' } };
}

/** `[value]` is looked for in a list, `value` is a text. */
export function metadataMatch(value: string): MetadataMatch {
  const list = value.startsWith('[') && value.endsWith(']');
  return { list, match: stringMatch(list ? value.replace(/^[[\]]+|[[\]]+$/g, '') : value) };
}

/** A value that a policy has and that cannot be read: the policy as a whole must not be used. */
export class UnreadableValue extends Error {}

/** The clause that demands nothing. */
export const nothing: Clause<never> = { any: [], none: [] };

/** Values of which any may match, and values of which none may. Leaving one out would widen, so a bad one throws. */
export function clause<T>(any: readonly string[], none: readonly string[], read: (value: string) => T): Clause<T> {
  if (any.length === 0 && none.length === 0) return nothing;
  return { any: any.map(read), none: none.length === 0 ? nothing.none : none.map(read) };
}

export function addressBlock(value: string): Cidr {
  const block = parseCidr(value);
  if (block === undefined) throw new UnreadableValue(`"${value}" is not an IP address or address block`);
  return block;
}

export function portNumber(value: string): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(value) || port < 1 || port > 65_535) throw new UnreadableValue(`"${value}" is not a port`);
  return port;
}
