import type { AuthzProvider } from '#model/authz-provider.ts';
import type { ServicePort } from '#model/waypoint.ts';

/** The names of things in Envoy's configuration and statistics; ARCHITECTURE.md lists them. */

export const CONNECT_TERMINATE = 'connect_terminate';
export const CONNECT_ORIGINATE = 'connect_originate';
export const CONNECT_ROUTES = 'connect';
export const WORKLOADS = 'workloads';
export const WORKLOAD_ORIGINATE = 'workload_originate';
export const WORKLOAD_PLAIN = 'workload_plain';

/** A cluster that does not exist: the share of a backend that could not be resolved is answered 500. */
export const UNRESOLVED = 'unresolved';

export const PEER_PRINCIPAL = 'io.istio.peer_principal';
export const LOCAL_PRINCIPAL = 'io.istio.local_principal';
export const SOURCE_BAGGAGE = 'io.istio.source_baggage';
/** Who calls whom, for the metrics filter. */
export const PARTIES = 'portolan.parties';
export const EXPECTED_IDENTITY = 'envoy.network.upstream_subject_alt_names';
export const DESTINATION_ADDRESS = 'envoy.filters.listener.original_dst.local_ip';
export const SOURCE_ADDRESS = 'envoy.filters.listener.original_dst.remote_ip';

/** Endpoint metadata that travels through the internal connection. */
export const ORIGINAL_DST = 'envoy.filters.listener.original_dst';
export const ENDPOINT_METADATA = 'portolan';

/** By what an endpoint of `workload_originate` is chosen. */
export const SUBSET_METADATA = 'envoy.lb';
export const POD_KEY = 'pod';

/** The number by which the routing filter tells the router which backend it chose. */
export const DRAW_HEADER = 'x-portolan-draw';

/** Metadata of a request whose token was found valid: the payload, by jwt_authn under this key. */
export const JWT_AUTHN = 'envoy.filters.http.jwt_authn';
export const JWT_PAYLOAD = 'payload';

/** What our modules do. */
export type Feature = 'authz' | 'routing' | 'fault' | 'metrics';

/** Where a discovered HTTP filter stands; `authn` is stock. */
export type Slot = Feature | 'authn';

/** `reviews.bookinfo.svc.cluster.local:9080`: listener, routes, and the end of every program's name. */
export const portName = (port: Pick<ServicePort, 'service' | 'port'>): string => `${port.service.host}:${port.port}`;

/**
 * A filter and the program that ECDS brings for it have one name: Envoy asks for a filter's configuration by the
 * filter's name, and routes switch a filter on by that same name.
 */
export const filterName = (slot: Slot, target: string): string => `${slot}/${target}`;

/** The filter that judges TCP connections; it is of another type than the one for HTTP. */
export const tcpFilterName = (target: string): string => `authz-tcp/${target}`;

/** The filter that says whom a request is put to. It is the authorization filter with a program of another kind. */
export const customFilterName = (target: string): string => `custom/${target}`;

/** The filter that asks a provider; one program of it serves all ports. */
export const providerFilterName = (provider: string): string => `ext-authz/${provider}`;

/** The cluster of a provider: a backend's, or one of its own where no service of the mesh answers. */
export const providerCluster = ({ backend, host, settings }: AuthzProvider): string =>
  backend ?? `ext-authz|${settings.port}|${settings.kind}|${host}`;

/** `10.96.0.10:9080` or `[fd00::a]:9080`. */
export const authority = (address: string, port: number | string): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
