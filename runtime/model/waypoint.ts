import type { JwtRule } from './authn.ts';
import type { AuthzPolicySet } from './authz.ts';
import type { AuthzProvider } from './authz-provider.ts';
import type { Backend, ServiceName, WorkloadLabels } from './backend.ts';
import type { PathNormalization } from './path-normalization.ts';
import type { Route } from './route.ts';
import type { SpiffeId } from './identity.ts';

/**
 * One port of one service behind a waypoint: the unit that is translated, versioned and sent on its own.
 * `detect` looks at the first bytes, as Istio does for a port that does not name its protocol.
 */
export interface ServicePort {
  readonly service: ServiceName;
  readonly port: number;
  /** Virtual addresses, canonical text; never empty. */
  readonly addresses: readonly string[];
  readonly protocol: 'http' | 'http2' | 'tcp' | 'detect';
  /** Of TCP: what passes is TLS, so the name that a caller asks for is looked at. */
  readonly tls?: true;
  /** Used when no route says otherwise, and by TCP. Name of a Backend. */
  readonly backend: string;
  /** Empty for tcp; otherwise ends with a route that matches everything unless a resource says otherwise. */
  readonly routes: readonly Route[];
  readonly authz: AuthzPolicySet;
  /** Sorted by issuer. Absent: tokens are not looked at. */
  readonly authn?: readonly JwtRule[];
}

/** A pod that is addressed by its own address through a waypoint for workloads. */
export interface Workload {
  readonly address: string;
  readonly tunnel: 'hbone' | 'none';
  readonly identity: SpiffeId;
  readonly labels: WorkloadLabels;
}

/** Everything one waypoint needs; nothing in it depends on another waypoint. */
export interface Waypoint {
  readonly namespace: string;
  readonly name: string;
  readonly trustDomain: string;
  /** Further trust domains whose identities may come in. */
  readonly trustDomainAliases: readonly string[];
  /** What the mesh configuration says, if it says anything. */
  readonly pathNormalization?: PathNormalization;
  /** Whom CUSTOM policies may name and who can be asked, in the order of the mesh configuration. */
  readonly extensionProviders: readonly AuthzProvider[];
  /** Sorted by service host and port. */
  readonly ports: readonly ServicePort[];
  /** Every Backend that a port or route of this waypoint names, sorted by name. */
  readonly backends: readonly Backend[];
  readonly workloads: readonly Workload[];
  /** Policies for traffic to workloads: those that target the Gateway. */
  readonly workloadAuthz: AuthzPolicySet;
  readonly workloadAuthn?: readonly JwtRule[];
  /** Policies for tunnels, before there is one; absent: nobody is asked. They know nothing of HTTP. */
  readonly tunnelAuthz?: AuthzPolicySet;
  /** Labels of the callers that may be met, by address: what metrics say of a source. Sorted by address. */
  readonly sources: readonly Workload[];
}

/** An ingress gateway: translated as far as its meaning goes; served by a later version. */
export interface Ingress {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly listeners: readonly {
    readonly name: string;
    readonly hostname: string;
    readonly port: number;
    readonly protocol: string;
    readonly certificates: readonly string[];
    readonly routes: readonly { readonly hostnames: readonly string[]; readonly routes: readonly Route[] }[];
  }[];
  readonly backends: readonly Backend[];
}

export interface Model {
  readonly waypoints: readonly Waypoint[];
  readonly ingresses: readonly Ingress[];
}
