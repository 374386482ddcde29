// Shared with runtime/, must remain portable: only constants and plain functions, no imports but siblings.
//
// A route table finds what a program holds for a route by the route's name (Envoy's `xds.route_name`).
// Rows are sorted by hash, then by the bytes of the name, so that one program has one form.
//
//   0       4      8             12            16       20
//   ┌───────┬──────┬─────────────┬─────────────┬────────┬──────┬────
//   │ count │ hash │ name offset │ name length │ record │ hash │ …
//   └───────┴──────┴─────────────┴─────────────┴────────┴──────┴────
//            ╰────────────────── row 0 ─────────────────╯
//
// hash    FNV-1a (32 bit) of the name's UTF-8 bytes; equal hashes are told apart by the bytes
// record  offset of what the feature keeps for the route
//
// The name in a table of one row is empty where the feature does not look it up (routing).

export const ROUTE_TABLE_HEADER_SIZE: u32 = 4;
export const ROUTE_ROW_SIZE: u32 = 16;

export const ROUTE_ROW_HASH: u32 = 0;
export const ROUTE_ROW_NAME: u32 = 4;
export const ROUTE_ROW_NAME_SIZE: u32 = 8;
export const ROUTE_ROW_RECORD: u32 = 12;

/** More routes than one Envoy virtual host is sensibly given; bounds what a filter allocates when it is configured. */
export const ROUTE_TABLE_MAX: u32 = 65536;
