/** How much of a request's body an authorizer is shown. */
export interface BodyInCheck {
  readonly maxRequestBytes: number;
  /** A body that is longer is shown in part; otherwise the request is refused with 413. */
  readonly allowPartialMessage: boolean;
  /** gRPC alone: as bytes instead of as UTF-8. */
  readonly packAsBytes: boolean;
}

/**
 * An external authorizer of the mesh configuration: what an AuthorizationPolicy with action CUSTOM names. Header names
 * are lower case; of the lists, an entry may begin or end with `*`. What gRPC does not have is empty there.
 */
export interface ExtensionProvider {
  readonly name: string;
  readonly kind: 'http' | 'grpc';
  /** As it was written: `[namespace/]hostname`. */
  readonly service: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** Requests pass while the authorizer cannot be asked. */
  readonly failOpen: boolean;
  /** The answer while it cannot be asked and `failOpen` is not set. */
  readonly statusOnError: number;
  readonly clearRouteCache: boolean;
  /** Empty: none. */
  readonly pathPrefix: string;
  readonly includeRequestHeadersInCheck: readonly string[];
  readonly includeAdditionalHeadersInCheck: readonly (readonly [name: string, value: string])[];
  readonly includeRequestBodyInCheck?: BodyInCheck;
  readonly headersToUpstreamOnAllow: readonly string[];
  readonly headersToDownstreamOnDeny: readonly string[];
  readonly headersToDownstreamOnAllow: readonly string[];
}
