// Shared with runtime/, must remain portable: only constants and plain functions, no imports but siblings.
//
// A routing program: the routes of one service port that split their requests over several backends.
//
//   16
//   ┌─────────────┬─────────┬──────────────────────
//   │ route table │ texts … │ splits, 8-aligned …
//   └─────────────┴─────────┴──────────────────────
//
// A split:
//
//   0          4        8             12            16
//   ┌──────────┬────────┬─────────────┬─────────────┬───────────┬───────────┬────
//   │ backends │ sticky │ name offset │ name length │ backend 0 │ backend 1 │ …
//   └──────────┴────────┴─────────────┴─────────────┴───────────┴───────────┴────
//
// A backend that has a share (one of weight 0 is left out; Envoy's cumulative weights do not notice):
//
//   0      4       8
//   ┌──────┬───────┬──────┐
//   │ draw │ share │ seed │
//   └──────┴───────┴──────┘
//
// draw   the sum of the weights before it: the value of the draw header for which Envoy picks it
// share  its weight, divided by what all weights of the split have in common
// seed   FNV-1a (64 bit) of its name: where a sticky value goes depends on names and shares, not on the order
//
// name offset and length: the header or cookie that makes the split sticky, in lower case for a header.

export const ROUTING_FORMAT: u8 = 1;

export const ROUTING_TABLE: u32 = 16;

export const SPLIT_COUNT: u32 = 0;
export const SPLIT_STICKY: u32 = 4;
export const SPLIT_NAME: u32 = 8;
export const SPLIT_NAME_SIZE: u32 = 12;
export const SPLIT_BACKENDS: u32 = 16;

export const BACKEND_SIZE: u32 = 16;
export const BACKEND_DRAW: u32 = 0;
export const BACKEND_SHARE: u32 = 4;
export const BACKEND_SEED: u32 = 8;

export const STICKY_NONE: u32 = 0;
export const STICKY_HEADER: u32 = 1;
export const STICKY_COOKIE: u32 = 2;
export const STICKY_IDENTITY: u32 = 3;

/** Backends of one split: bounds what one request may cost. */
export const SPLIT_BACKENDS_MAX: u32 = 256;

/** The request header that tells Envoy's weighted_clusters what was drawn. It never leaves the proxy. */
export const DRAW_HEADER = 'x-portolan-draw';
