import { TOKEN_FILTER, TOKEN_PAYLOAD, type Metadata, type MetadataMap, type MetadataValue } from '#model/metadata.ts';

// What Envoy's metadata says of a request.

/** The value at this place. */
export function metadataAt(metadata: Metadata | undefined, path: readonly string[]): MetadataValue | undefined {
  let value: MetadataValue | undefined = metadata;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) {
      return undefined;
    }
    value = (value as Readonly<Record<string, MetadataValue>>)[key];
  }
  return value;
}

/** The texts of a list, without what it has of other types. */
export const listTexts = (value: MetadataValue | undefined): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

/** Numbers, truth values, null and objects are no texts, and match nothing. */
export const plainText = (value: MetadataValue | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

export const claimPath = (claim: readonly string[]): readonly string[] => [TOKEN_FILTER, TOKEN_PAYLOAD, ...claim];

/** Whom the request's token speaks of. An issuer has a name, so without one nobody does. */
export function requestPrincipalOf(
  metadata: Metadata | undefined,
): { readonly issuer: string; readonly subject: string } | undefined {
  const issuer = plainText(metadataAt(metadata, claimPath(['iss'])));
  const subject = plainText(metadataAt(metadata, claimPath(['sub'])));
  return issuer === undefined || issuer === '' || subject === undefined ? undefined : { issuer, subject };
}

/** Claims that OAuth writes into one text, with blanks between them. */
const SPACED: readonly string[] = ['scope', 'permission'];

/** What Envoy's jwt_authn leaves of a token with these claims that it has verified. */
export function tokenMetadata(claims: MetadataMap): Metadata {
  const payload = Object.entries(claims).map(([name, value]): readonly [string, MetadataValue] => [
    name,
    SPACED.includes(name) && typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : value,
  ]);
  return { [TOKEN_FILTER]: { [TOKEN_PAYLOAD]: Object.fromEntries(payload) } };
}
