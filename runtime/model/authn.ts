/** Where the keys of an issuer come from. */
export type JwtKeys =
  /** A JSON Web Key Set. */
  | { readonly kind: 'inline'; readonly jwks: string }
  | {
      readonly kind: 'fetched';
      readonly uri: string;
      readonly timeoutMs: number;
      /** A Backend of the waypoint, or a host outside of the mesh. */
      readonly from:
        | { readonly kind: 'backend'; readonly backend: string }
        | { readonly kind: 'host'; readonly host: string; readonly port: number; readonly tls: boolean };
    }
  /** None: no token can be valid. */
  | { readonly kind: 'none'; readonly reason: string };

/**
 * What makes a token of one issuer valid, where it is looked for and what becomes of it. A request with a token that is
 * not valid is refused; one without a token passes.
 */
export interface JwtRule {
  /** Where it is written. */
  readonly origin: { readonly namespace: string; readonly name: string; readonly rule: number };
  /** Undefined: nobody knows whose tokens these are, so that every token in its places is one. */
  readonly issuer: string | undefined;
  /** One of them must be meant; empty: anybody may be. */
  readonly audiences: readonly string[];
  readonly keys: JwtKeys;
  /** Without any of the three: `Authorization: Bearer` and the parameter `access_token`. */
  readonly fromHeaders: readonly { readonly name: string; readonly prefix: string }[];
  readonly fromParams: readonly string[];
  readonly fromCookies: readonly string[];
  /** Where the application finds the payload, in base64url. */
  readonly payloadHeader?: string;
  readonly claimHeaders: readonly { readonly header: string; readonly claim: string }[];
  /** Whether the application sees the token. */
  readonly forward: boolean;
  /** Claims whose text is a list of words. */
  readonly spaceDelimitedClaims: readonly string[];
}
