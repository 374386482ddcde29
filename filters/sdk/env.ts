// What the host offers, typed one to one as proxy-wasm ABI 0.2.1 has it.
//
// asc names the module of an import after the file that declares it, and the ABI's module is `env`:
// that is why this file has the name it has, and why nothing else may be declared here.
// Pointers that end in `Out` are where the host writes a u32 (or, where said, a u64).

export declare function proxy_log(level: u32, message: usize, size: u32): u32;
export declare function proxy_get_log_level(levelOut: usize): u32;

export declare function proxy_get_current_time_nanoseconds(u64Out: usize): u32;
export declare function proxy_set_tick_period_milliseconds(period: u32): u32;

export declare function proxy_set_effective_context(context: u32): u32;
export declare function proxy_done(): u32;

export declare function proxy_get_property(path: usize, size: u32, valueOut: usize, sizeOut: usize): u32;
export declare function proxy_set_property(path: usize, pathSize: u32, value: usize, size: u32): u32;

export declare function proxy_get_header_map_pairs(map: u32, pairsOut: usize, sizeOut: usize): u32;
export declare function proxy_get_header_map_size(map: u32, sizeOut: usize): u32;
export declare function proxy_get_header_map_value(
  map: u32,
  name: usize,
  nameSize: u32,
  valueOut: usize,
  sizeOut: usize,
): u32;
export declare function proxy_add_header_map_value(map: u32, name: usize, nameSize: u32, value: usize, size: u32): u32;
export declare function proxy_replace_header_map_value(
  map: u32,
  name: usize,
  nameSize: u32,
  value: usize,
  size: u32,
): u32;
export declare function proxy_remove_header_map_value(map: u32, name: usize, nameSize: u32): u32;

export declare function proxy_get_buffer_bytes(
  buffer: u32,
  start: u32,
  maxSize: u32,
  bytesOut: usize,
  sizeOut: usize,
): u32;

export declare function proxy_continue_stream(stream: u32): u32;
export declare function proxy_close_stream(stream: u32): u32;
export declare function proxy_send_local_response(
  status: u32,
  details: usize,
  detailsSize: u32,
  body: usize,
  bodySize: u32,
  headerPairs: usize,
  headerPairsSize: u32,
  grpcStatus: u32,
): u32;

export declare function proxy_define_metric(type: u32, name: usize, nameSize: u32, idOut: usize): u32;
export declare function proxy_increment_metric(id: u32, offset: i64): u32;
export declare function proxy_record_metric(id: u32, value: u64): u32;
export declare function proxy_get_metric(id: u32, u64Out: usize): u32;

export declare function proxy_call_foreign_function(
  name: usize,
  nameSize: u32,
  argument: usize,
  argumentSize: u32,
  resultOut: usize,
  resultSizeOut: usize,
): u32;
