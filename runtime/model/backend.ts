import type { SpiffeId } from './identity.ts';

/** A Kubernetes Service as the mesh names it. */
export interface ServiceName {
  readonly namespace: string;
  readonly name: string;
  /** `reviews.bookinfo.svc.cluster.local` */
  readonly host: string;
}

/** Who answers behind an address: the labels that metrics and logs give a workload. */
export interface WorkloadLabels {
  readonly name: string;
  readonly namespace: string;
  /** `service.istio.io/canonical-name`, else `app.kubernetes.io/name`, else `app`, else the workload's name. */
  readonly app: string;
  /** `service.istio.io/canonical-revision`, else `app.kubernetes.io/version`, else `version`, else `latest`. */
  readonly version: string;
}

export interface Endpoint {
  /** IPv4 or IPv6, canonical text. */
  readonly address: string;
  readonly port: number;
  /** `hbone`: reached by mutual TLS and CONNECT on 15008; `none`: plain TCP, not in the mesh. */
  readonly tunnel: 'hbone' | 'none';
  /** Whom the endpoint must prove to be. Always given when `tunnel` is `hbone`. */
  readonly identity: SpiffeId;
  readonly workload: WorkloadLabels;
  readonly weight: number;
}

/** One upstream cluster: a port of a service, or a subset of it. */
export interface Backend {
  /** Stable and unique: `inbound-vip|9080|http|reviews.bookinfo.svc.cluster.local`, Istio's form; a subset is `http/v1`. */
  readonly name: string;
  readonly service: ServiceName;
  readonly port: number;
  readonly protocol: 'http' | 'http2' | 'tcp';
  readonly endpoints: readonly Endpoint[];
  readonly connectTimeoutMs: number;
  readonly loadBalancer: 'LEAST_REQUEST' | 'ROUND_ROBIN' | 'RANDOM';
}
