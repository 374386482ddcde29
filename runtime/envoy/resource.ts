/** One xDS resource, encoded once. `version` is a hash of its bytes (version.ts), so equal content is never sent twice. */
export interface XdsResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
  /** The serialized message; what goes into `google.protobuf.Any.value`. */
  readonly value: Uint8Array;
}

/** All that one Envoy is to hold: type URL to name to resource. A type that is absent has no resources. */
export type XdsSnapshot = ReadonlyMap<string, ReadonlyMap<string, XdsResource>>;

const url = (message: string): string => `type.googleapis.com/${message}`;

export const LISTENER = url('envoy.config.listener.v3.Listener');
export const CLUSTER = url('envoy.config.cluster.v3.Cluster');
export const ENDPOINTS = url('envoy.config.endpoint.v3.ClusterLoadAssignment');
export const ROUTES = url('envoy.config.route.v3.RouteConfiguration');
export const EXTENSION = url('envoy.config.core.v3.TypedExtensionConfig');
export const SECRET = url('envoy.extensions.transport_sockets.tls.v3.Secret');
