import type { Cidr, StringMatch } from './match.ts';
import type { Metadata } from './metadata.ts';

/** Values of which any may match, and values of which none may. Empty `any`: no demand. */
export interface Clause<T> {
  readonly any: readonly T[];
  readonly none: readonly T[];
}

/** Who a request's token speaks of: issuer and subject must both match, each as a whole. */
export interface RequestPrincipalMatch {
  readonly issuer: StringMatch;
  readonly subject: StringMatch;
}

/** A text in Envoy's metadata, or with `list` one of the texts of a list there. */
export interface MetadataMatch {
  readonly list: boolean;
  readonly match: StringMatch;
}

/** Who calls: every clause given must hold. */
export interface AuthzSource {
  readonly principals: Clause<StringMatch>;
  readonly namespaces: Clause<StringMatch>;
  /** `namespace/account`, exactly. */
  readonly serviceAccounts?: Clause<StringMatch>;
  readonly trustDomains?: Clause<StringMatch>;
  readonly requestPrincipals?: Clause<RequestPrincipalMatch>;
  /** The address of whoever opened the connection. */
  readonly ipBlocks: Clause<Cidr>;
  /** The address that forwarders vouch for, as far as they are trusted. */
  readonly remoteIpBlocks?: Clause<Cidr>;
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
  | { readonly key: 'serviceAccount'; readonly values: Clause<StringMatch> }
  | { readonly key: 'trustDomain'; readonly values: Clause<StringMatch> }
  | { readonly key: 'requestPrincipal'; readonly values: Clause<RequestPrincipalMatch> }
  /** A claim of the request's token, and claims within it: a text, or one of the texts of a list. */
  | { readonly key: 'claim'; readonly claim: readonly string[]; readonly values: Clause<StringMatch> }
  /** What another filter of Envoy left in its metadata under this name. */
  | {
      readonly key: 'metadata';
      readonly filter: string;
      readonly name: string;
      readonly values: Clause<MetadataMatch>;
    }
  | { readonly key: 'sni'; readonly values: Clause<StringMatch> }
  | { readonly key: 'sourceIp'; readonly values: Clause<Cidr> }
  | { readonly key: 'remoteIp'; readonly values: Clause<Cidr> }
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
  /** CUSTOM: a request that a rule matches is put to `provider`, before DENY and ALLOW are looked at. */
  readonly action: 'ALLOW' | 'DENY' | 'CUSTOM';
  /** Of CUSTOM alone: the name of an extension provider that the waypoint has. */
  readonly provider?: string;
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
 * All that decides about one service port: CUSTOM, then DENY, then ALLOW, each sorted by namespace and name.
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
  /** Absent: the same as `sourceIp`, since no forwarder is trusted. */
  readonly remoteIp?: string;
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
  /** The name that the caller's TLS asked for, where TLS passes through. */
  readonly sni?: string;
  /** What filters of Envoy know of the request, the verified token's claims among it. */
  readonly metadata?: Metadata;
}

/** Whom a request is put to before DENY and ALLOW, and the first rule that wants it so. */
export interface AskedProvider {
  readonly provider: string;
  readonly policy: { readonly namespace: string; readonly name: string; readonly rule: number };
}

/** `policy` and `rule` name what decided: the DENY rule, or the ALLOW rule; neither when no ALLOW rule matched. */
export interface AuthzDecision {
  readonly allowed: boolean;
  readonly policy?: { readonly namespace: string; readonly name: string; readonly rule: number };
}
