/** A value of JSON, as filters of Envoy keep what they know of a request. */
export type MetadataValue = null | boolean | number | string | readonly MetadataValue[] | MetadataMap;

export interface MetadataMap {
  readonly [key: string]: MetadataValue;
}

/** Envoy's dynamic metadata of a request: by the name of the filter that left it. */
export type Metadata = Readonly<Record<string, MetadataMap>>;

/** Where Envoy's jwt_authn filter leaves the payload of a token that it has verified. */
export const TOKEN_FILTER = 'envoy.filters.http.jwt_authn';
export const TOKEN_PAYLOAD = 'payload';
