import type { CredentialFiles } from '#identity/files.ts';
import type { CallerMatch } from '#envoy/local-reply.ts';
import type { RepeatedHeaders } from '#envoy/options.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import type { BindAddress } from '#proxy/prometheus.ts';
import type { EnvoyBinary } from '#proxy/find.ts';
import type { Statistics } from '#proxy/statistics.ts';
import type { MeshEvent } from './event.ts';

export interface MeshOptions {
  /** Files and folders with resources; watched. */
  readonly paths: readonly string[];
  /** What `-` among the paths stands for; read once, not watched. */
  readonly stdin?: string;
  /** Sockets, certificates and what a restart must find again. Only for its owner. */
  readonly state: string;
  /** Serve this waypoint alone; otherwise every one in the files. */
  readonly waypoint?: { readonly namespace: string; readonly name: string };
  /** Where HBONE is terminated; a second waypoint gets the next port. */
  readonly bind: BindAddress;
  /** Metrics and readiness; likewise. */
  readonly page: BindAddress;
  readonly trustDomain: string;
  /** Policies for workloads that select the waypoint decide about its tunnels. */
  readonly layeredAuthorization?: boolean;
  /** Certificates made elsewhere; otherwise a development CA in the state folder issues them. */
  readonly credentials?: CredentialFiles;
  /** Undefined: Envoys are started by somebody else, with the bootstrap that is written to the state folder. */
  readonly envoy: EnvoyBinary | undefined;
  readonly concurrency?: number;
  /** File with the roots that keys of token issuers are fetched with. */
  readonly systemRoots?: string | undefined;
  readonly accessLog?: string;
  /** Undefined: as the mesh configuration says, or STRICT. */
  readonly pathNormalization?: PathNormalization;
  /** Callers that are told which rule denied them; nobody when absent. */
  readonly explainTo?: readonly CallerMatch[];
  readonly repeatedHeaders?: RepeatedHeaders;
  /** Envoy's own; the metrics of requests are always there. */
  readonly statistics: Statistics;
  readonly report: (event: MeshEvent) => void;
}
