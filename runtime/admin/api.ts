import type { Finding } from '#model/finding.ts';
import type { SpiffeId } from '#model/identity.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import type { ResourceStatus } from '#model/status.ts';
import type { Model } from '#model/waypoint.ts';

/** Written into every answer; a client refuses an answer of another version instead of guessing at its fields. */
export const API_VERSION = 'portolan.dev/v1';

/** Where a resource or a field of it is written. Lines and columns begin with 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A finding and the place it is about, where that is known. */
export interface PlacedFinding extends Finding {
  readonly place?: Place;
}

/** What a translation gave, with the places that only the reader of files knows. */
export interface World {
  readonly model: Model;
  readonly findings: readonly PlacedFinding[];
  readonly statuses: readonly ResourceStatus[];
}

/** One configuration resource that an Envoy refused. */
export interface Rejection {
  /** `Listener`, `Cluster`, …: the type URL after its last dot. */
  readonly type: string;
  readonly names: readonly string[];
  readonly version: string;
  readonly reason: string;
}

/** One Envoy that is connected now. */
export interface ProxyStatus {
  readonly node: string;
  /** `namespace/name` of the waypoint that it serves. */
  readonly waypoint: string;
  /** By short type name: how many resources it has accepted, has still to answer for, and has refused. */
  readonly types: Readonly<
    Record<string, { readonly synced: number; readonly pending: number; readonly rejected: number }>
  >;
  readonly rejections: readonly Rejection[];
}

export interface WaypointName {
  readonly namespace: string;
  readonly name: string;
}

/** A waypoint that this process serves, as its callers reach it. */
export interface WaypointStatus extends WaypointName {
  /** Where HBONE is terminated. */
  readonly address: { readonly host: string; readonly port: number };
  readonly identity: SpiffeId;
  readonly trustDomain: string;
  /** Base URL of the Prometheus page and readiness: `http://127.0.0.1:15020`. Absent when none is served. */
  readonly page?: string;
  /** The version of Envoy that runs, as it says it; absent while none does. */
  readonly envoy?: string;
  /** RFC 3339: end of the certificate that the waypoint shows. */
  readonly certificateExpires?: string;
}

interface ProcessStatus {
  readonly version: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly startedAt: string;
  /** What was given with `-f`. */
  readonly paths: readonly string[];
  /** Another number when the files were translated again: as long as it is the same, so is the world. */
  readonly revision: number;
  /** How its Envoys normalize a path before anything is decided; absent: as the waypoint's mesh says, or STRICT. */
  readonly pathNormalization?: PathNormalization;
}

export type Settled =
  | { readonly settled: true; readonly waitedMs: number; readonly proxies: number }
  /** What is missing, one line each, whole in itself: `bookinfo/waypoint: no Envoy is connected`. */
  | { readonly settled: false; readonly waitedMs: number; readonly missing: readonly string[] };

export interface CertificateRequest {
  readonly identity: SpiffeId;
  readonly ttlMs?: number;
}

/** A certificate for a development identity. Holds a private key: it is never logged and never cached by a client. */
export interface IssuedCertificate {
  readonly identity: SpiffeId;
  /** PEM, the leaf first. */
  readonly certificate: string;
  /** PKCS#8 PEM. */
  readonly key: string;
  /** PEM of every trusted root. */
  readonly roots: string;
  /** RFC 3339. */
  readonly notAfter: string;
  /** Hexadecimal, upper case. */
  readonly serial: string;
}

export interface ProgramText {
  /** `authz/reviews.bookinfo.svc.cluster.local:9080` */
  readonly name: string;
  readonly text: string;
}

/** A request that a policy denied, with what policies could look at, as Envoy wrote it down. */
export interface Denial {
  /** RFC 3339. */
  readonly time: string;
  /** The x-request-id of the request and of its answer. */
  readonly requestId: string;
  /** `namespace/name`. */
  readonly waypoint: string;
  readonly principal?: string;
  readonly source: string;
  /** Virtual address and port that were asked for. */
  readonly destination: string;
  readonly authority: string;
  readonly method: string;
  /** Normalized, without its query. */
  readonly path: string;
  readonly protocol: string;
  readonly status: number;
  /** Envoy's response code details: `rbac_access_denied_matched_policy[…]`. */
  readonly details: string;
  readonly route?: string;
  readonly durationMs: number;
  /** Those that policies named when the waypoint was started, but for secrets; the first line of each. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Names of all headers that were looked for: what is not among them was not kept. */
  readonly kept: readonly string[];
}

/** What a running process lets the admin socket ask. `portolan run` implements it. */
export interface Running {
  process(): ProcessStatus;
  /** The last translation that was made. */
  world(): World;
  waypoints(): readonly WaypointStatus[];
  proxies(): readonly ProxyStatus[];
  /** Programs of one waypoint as text; undefined when there is no such waypoint. */
  programs(namespace: string, name: string): readonly ProgramText[] | undefined;
  /**
   * Reads the files again at once, then waits until every waypoint has at least one Envoy, and every connected one has
   * accepted what the files hold; or until the time is up. A rejection ends the wait: time does not mend it. With a
   * waypoint only that one is waited for.
   */
  settled(timeoutMs: number, waypoint?: WaypointName): Promise<Settled>;
  /** Denied requests, the latest first: those with this id, or the last so many. */
  denials(query: DenialQuery): readonly Denial[];
  /** Throws if the identity is not one of the trust domain, or if certificates come from files (there is no CA). */
  issue(request: CertificateRequest): Promise<IssuedCertificate>;
}

export type DenialQuery = { readonly requestId: string } | { readonly last: number };

export interface Status {
  readonly process: ProcessStatus;
  readonly waypoints: readonly WaypointStatus[];
  readonly proxies: readonly ProxyStatus[];
  readonly findings: readonly PlacedFinding[];
  readonly statuses: readonly ResourceStatus[];
}

/** Path to what it answers, in an object beside `apiVersion`. A refusal is `{apiVersion, error}` with status 4xx or 5xx. */
export interface Routes {
  readonly '/status': { readonly status: Status };
  readonly '/model': { readonly world: World };
  readonly '/programs': { readonly programs: readonly ProgramText[] };
  readonly '/settled': { readonly settled: Settled };
  readonly '/denials': { readonly denials: readonly Denial[] };
  readonly '/certs': { readonly certificate: IssuedCertificate };
}
