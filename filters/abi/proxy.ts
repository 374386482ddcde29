// Shared with runtime/, must remain portable: only constants and plain functions, no imports but siblings.
//
// Numbers of the proxy-wasm ABI 0.2.1, as stock Envoy implements it.

export const STATUS_OK: u32 = 0;
export const STATUS_NOT_FOUND: u32 = 1;
export const STATUS_BAD_ARGUMENT: u32 = 2;
export const STATUS_SERIALIZATION_FAILURE: u32 = 3;
export const STATUS_PARSE_FAILURE: u32 = 4;
export const STATUS_BAD_EXPRESSION: u32 = 5;
export const STATUS_INVALID_MEMORY_ACCESS: u32 = 6;
export const STATUS_EMPTY: u32 = 7;
export const STATUS_CAS_MISMATCH: u32 = 8;
export const STATUS_RESULT_MISMATCH: u32 = 9;
export const STATUS_INTERNAL_FAILURE: u32 = 10;
export const STATUS_BROKEN_CONNECTION: u32 = 11;
export const STATUS_UNIMPLEMENTED: u32 = 12;

/** What a callback about headers, bodies or trailers answers. */
export const ACTION_CONTINUE: u32 = 0;
export const ACTION_PAUSE: u32 = 1;

export const HEADER_MAP_REQUEST: u32 = 0;
export const HEADER_MAP_REQUEST_TRAILERS: u32 = 1;
export const HEADER_MAP_RESPONSE: u32 = 2;
export const HEADER_MAP_RESPONSE_TRAILERS: u32 = 3;
export const HEADER_MAP_GRPC_INITIAL_METADATA: u32 = 4;
export const HEADER_MAP_GRPC_TRAILING_METADATA: u32 = 5;
export const HEADER_MAP_CALL_RESPONSE: u32 = 6;
export const HEADER_MAP_CALL_RESPONSE_TRAILERS: u32 = 7;

export const BUFFER_REQUEST_BODY: u32 = 0;
export const BUFFER_RESPONSE_BODY: u32 = 1;
export const BUFFER_DOWNSTREAM_DATA: u32 = 2;
export const BUFFER_UPSTREAM_DATA: u32 = 3;
export const BUFFER_CALL_RESPONSE_BODY: u32 = 4;
export const BUFFER_GRPC_RECEIVE: u32 = 5;
export const BUFFER_VM_CONFIGURATION: u32 = 6;
export const BUFFER_PLUGIN_CONFIGURATION: u32 = 7;
export const BUFFER_CALL_DATA: u32 = 8;

/** What proxy_continue_stream and proxy_close_stream are about. */
export const STREAM_REQUEST: u32 = 0;
export const STREAM_RESPONSE: u32 = 1;
export const STREAM_DOWNSTREAM: u32 = 2;
export const STREAM_UPSTREAM: u32 = 3;

export const LOG_TRACE: u32 = 0;
export const LOG_DEBUG: u32 = 1;
export const LOG_INFO: u32 = 2;
export const LOG_WARN: u32 = 3;
export const LOG_ERROR: u32 = 4;
export const LOG_CRITICAL: u32 = 5;

export const METRIC_COUNTER: u32 = 0;
export const METRIC_GAUGE: u32 = 1;
export const METRIC_HISTOGRAM: u32 = 2;

/** "No gRPC status" in a local reply. */
export const GRPC_STATUS_NONE: u32 = 0xffffffff;
