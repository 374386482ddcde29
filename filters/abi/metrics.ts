// Shared with runtime/, must remain portable: only constants and plain functions, no imports but siblings.
//
// A metrics program, the same for all services, so that Envoy makes and tries out one configuration and not thousands:
//
//   16      20
//   ┌───────┐
//   │ limit │
//   └───────┘
//
// limit  series that one worker keeps at most; requests of further ones are counted in one series of unknowns
//
// What differs by service and caller is a text that the service's listener makes once a connection, as filter state
// (runtime/envoy/parties.ts). Neither line of it can hold a line feed before the last, which is all that remains:
//
//   reviews.bookinfo.svc.cluster.local;reviews;bookinfo   service: host, name, namespace
//   k8s.namespace.name=bookinfo,service.name=…            baggage of the caller's tunnel
//   spiffe://cluster.local/ns/bookinfo/sa/…               identity that the caller proved
//
// The name of a series in Envoy carries its labels' values, each after a dot and before a semicolon, which no value
// can hold. The bootstrap's tag extractors (runtime/policy/metrics/tags.ts) take them out again by their position:
//
//   istio_requests_total.waypoint;.200;.http;.;.-;.mutual_tls;.v1;.v3;.productpage;.reviews; … .spiffe://…;.spiffe://…;
//
// Bytes of a value that are not printable ASCII, and `;` `%` `"` `\`, are written as `%3B`.

export const METRICS_FORMAT: u8 = 2;

export const METRICS_LIMIT: u32 = 16;
export const METRICS_BODY_END: u32 = 20;

/** Key of the filter state that says who calls whom. */
export const PARTIES = 'portolan.parties';
export const PARTIES_LINE_END: u8 = 0x0a;
export const PARTIES_PART_END: u8 = 0x3b;

/** The most series a program may allow. */
export const METRICS_LIMIT_MAX: u32 = 100000;

/** A label's value is cut off after this many bytes. */
export const LABEL_MAX: u32 = 255;

// Positions of the values in a series' name, the short ones first: Envoy's expressions walk over all that lies before a
// value, for each label of each new series. A workload's app and version are also its canonical service and revision.
export const FIELD_REPORTER: u32 = 0;
export const FIELD_RESPONSE_CODE: u32 = 1;
export const FIELD_PROTOCOL: u32 = 2;
export const FIELD_GRPC_STATUS: u32 = 3;
export const FIELD_RESPONSE_FLAGS: u32 = 4;
export const FIELD_SECURITY_POLICY: u32 = 5;
export const FIELD_SOURCE_VERSION: u32 = 6;
export const FIELD_DESTINATION_VERSION: u32 = 7;
export const FIELD_SOURCE_APP: u32 = 8;
export const FIELD_DESTINATION_APP: u32 = 9;
export const FIELD_SOURCE_NAMESPACE: u32 = 10;
export const FIELD_DESTINATION_NAMESPACE: u32 = 11;
export const FIELD_SERVICE_NAMESPACE: u32 = 12;
export const FIELD_SERVICE_NAME: u32 = 13;
export const FIELD_SOURCE_CLUSTER: u32 = 14;
export const FIELD_DESTINATION_CLUSTER: u32 = 15;
export const FIELD_SOURCE_WORKLOAD: u32 = 16;
export const FIELD_DESTINATION_WORKLOAD: u32 = 17;
export const FIELD_SERVICE_HOST: u32 = 18;
export const FIELD_SOURCE_PRINCIPAL: u32 = 19;
export const FIELD_DESTINATION_PRINCIPAL: u32 = 20;
export const FIELD_COUNT: u32 = 21;
