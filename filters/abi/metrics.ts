// Shared with runtime/, must remain portable: only constants and plain functions, no imports but siblings.
//
// A metrics program: what is known of a destination service before any request.
//
//   16      20     24     28     32     36     40      44
//   ┌───────┬────────────┬────────────┬────────────┬───────
//   │ limit │ host       │ name       │ namespace  │ texts …
//   └───────┴────────────┴────────────┴────────────┴───────
//            ╰ offset, length of each ─────────────╯
//
// limit  series that one worker keeps at most; requests of further ones are counted in one series of unknowns
//
// The name of a series in Envoy carries its labels' values, each after a dot and before a semicolon, which no value
// can hold. The bootstrap's tag extractors (runtime/policy/metrics/tags.ts) take them out again by their position:
//
//   istio_requests_total.waypoint;.200;.http;.;.-;.mutual_tls;.v1;.v3;.productpage;.reviews; … .spiffe://…;.spiffe://…;
//
// Bytes of a value that are not printable ASCII, and `;` `%` `"` `\`, are written as `%3B`.

export const METRICS_FORMAT: u8 = 1;

export const METRICS_LIMIT: u32 = 16;
export const METRICS_HOST: u32 = 20;
export const METRICS_NAME: u32 = 28;
export const METRICS_NAMESPACE: u32 = 36;
export const METRICS_BODY_END: u32 = 44;

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
