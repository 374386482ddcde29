import type { Fault } from './fault.ts';
import type { StringMatch } from './match.ts';

export interface HeaderMutations {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** What a request must be for the route; every part given must hold. */
export interface RouteMatch {
  /** `prefix` is by path segment (Gateway API) unless `rawPrefix` (VirtualService). */
  readonly path: { readonly kind: 'exact' | 'prefix' | 'rawPrefix' | 'regex'; readonly value: string };
  readonly method?: string;
  readonly headers: readonly { readonly name: string; readonly match: StringMatch; readonly invert?: boolean }[];
  /** Claims of a token that was found valid; a text or a list that holds it. */
  readonly claims?: readonly {
    readonly path: readonly string[];
    readonly match: StringMatch;
    readonly invert?: boolean;
  }[];
  readonly query: readonly { readonly name: string; readonly match: StringMatch }[];
}

export interface WeightedBackend {
  /** Name of a Backend of the model; undefined when the reference could not be resolved: its share is answered 500. */
  readonly backend: string | undefined;
  readonly weight: number;
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
}

/** What keeps a caller on one backend of a split. */
export type Sticky =
  | { readonly by: 'header'; readonly name: string }
  | { readonly by: 'cookie'; readonly name: string }
  | { readonly by: 'identity' };

export type PathRewrite =
  | { readonly kind: 'full'; readonly value: string }
  | { readonly kind: 'prefix'; readonly value: string };

export type RouteAction =
  | {
      readonly kind: 'forward';
      readonly backends: readonly WeightedBackend[];
      readonly sticky?: Sticky;
      readonly rewriteHost?: string;
      readonly rewritePath?: PathRewrite;
      /** 0: none. */
      readonly timeoutMs: number;
      readonly retry?: { readonly attempts: number; readonly on: string; readonly perTryTimeoutMs?: number };
    }
  | {
      readonly kind: 'redirect';
      readonly scheme?: string;
      readonly host?: string;
      readonly port?: number;
      readonly path?: PathRewrite;
      readonly status: number;
    }
  | { readonly kind: 'respond'; readonly status: number; readonly body: string };

/** One rule's match. Routes are in the order of precedence: the first that matches wins. */
export interface Route {
  /** Unique within its service port, and stable: `bookinfo.reviews.0`, or the rule's own name. */
  readonly name: string;
  /** The resource that it comes from, for explain; undefined for the default route. */
  readonly origin?: { readonly kind: string; readonly namespace: string; readonly name: string; readonly rule: number };
  readonly match: RouteMatch;
  readonly action: RouteAction;
  readonly requestHeaders: HeaderMutations;
  readonly responseHeaders: HeaderMutations;
  readonly fault?: Fault;
}
