import type { Cidr, StringMatch } from './match.ts';

/** Values of which any may match, and values of which none may. Empty `any`: no demand. */
export interface Clause<T> {
  readonly any: readonly T[];
  readonly none: readonly T[];
}

/** Who calls: every clause given must hold. */
export interface AuthzSource {
  readonly principals: Clause<StringMatch>;
  readonly namespaces: Clause<StringMatch>;
  readonly ipBlocks: Clause<Cidr>;
}

/** What is asked: every clause given must hold. */
export interface AuthzOperation {
  readonly hosts: Clause<StringMatch>;
  readonly methods: Clause<StringMatch>;
  readonly paths: Clause<StringMatch>;
  readonly ports: Clause<number>;
}

/** `when`: a key of the request, its values and its notValues. */
export type AuthzCondition =
  | { readonly key: 'header'; readonly header: string; readonly values: Clause<StringMatch> }
  | { readonly key: 'principal'; readonly values: Clause<StringMatch> }
  | { readonly key: 'namespace'; readonly values: Clause<StringMatch> }
  | { readonly key: 'sourceIp'; readonly values: Clause<Cidr> }
  | { readonly key: 'destinationIp'; readonly values: Clause<Cidr> }
  | { readonly key: 'destinationPort'; readonly values: Clause<number> };

/** Any `from` and any `to` and every `when`. An empty list makes no demand. */
export interface AuthzRule {
  readonly from: readonly AuthzSource[];
  readonly to: readonly AuthzOperation[];
  readonly when: readonly AuthzCondition[];
}

export interface AuthzPolicy {
  readonly namespace: string;
  readonly name: string;
  readonly action: 'ALLOW' | 'DENY';
  /** No rules: matches nothing (so an ALLOW policy without rules denies all). */
  readonly rules: readonly AuthzRule[];
  /**
   * Names of the routes that it is about; absent: about every request. For requests on other routes it is as if the
   * policy did not exist, so an ALLOW policy of a route leaves other routes as they are. A TCP connection could carry
   * requests of any route: such a policy denies it what it denies its own, and allows it nothing.
   */
  readonly routes?: readonly string[];
}

/**
 * All that decides about one service port, DENY before ALLOW, each sorted by namespace and name.
 * No policies: everything is allowed. `closed` says that a policy for this target could not be understood:
 * everything is denied until it can.
 */
export interface AuthzPolicySet {
  readonly policies: readonly AuthzPolicy[];
  readonly closed?: string;
}

/** What a request brings to a decision; `undefined` is absent, which is not the same as empty. */
export interface AuthzRequest {
  readonly principal?: string;
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly destinationPort: number;
  readonly host: string;
  readonly method: string;
  /** With the query; the query does not take part in path matching. */
  readonly path: string;
  /** Names in lower case; a repeated header has several entries. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Name of the route that was chosen for it; absent: none matches. */
  readonly route?: string;
}

/** `policy` and `rule` name what decided: the DENY rule, or the ALLOW rule; neither when no ALLOW rule matched. */
export interface AuthzDecision {
  readonly allowed: boolean;
  readonly policy?: { readonly namespace: string; readonly name: string; readonly rule: number };
}
