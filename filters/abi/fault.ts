// Shared with runtime/, must remain portable: only constants and plain functions, no imports but siblings.
//
// A fault program: the routes of one service port whose requests are delayed or aborted.
//
//   16      20            24
//   ┌───────┬─────────────┬─────────────┬─────────┬──────────
//   │ limit │ 0 (aligns)  │ route table │ names … │ faults …
//   └───────┴─────────────┴─────────────┴─────────┴──────────
//
// limit  requests of one worker that may wait at once; one more is not delayed, but counted
//
// A fault, all u32:
//
//   0       4                   8        12
//   ┌───────┬───────────────────┬────────┬───────────────────┐
//   │ delay │ delay per million │ status │ abort per million │
//   └───────┴───────────────────┴────────┴───────────────────┘
//
// delay in milliseconds. A share of 0 means that there is no such fault.

export const FAULT_FORMAT: u8 = 1;

export const FAULT_LIMIT: u32 = 16;
export const FAULT_TABLE: u32 = 24;

export const FAULT_SIZE: u32 = 16;
export const FAULT_DELAY: u32 = 0;
export const FAULT_DELAY_SHARE: u32 = 4;
export const FAULT_STATUS: u32 = 8;
export const FAULT_ABORT_SHARE: u32 = 12;

export const FAULT_SHARE_ALL: u32 = 1000000;

/** The longest delay a program may ask for: a day. */
export const FAULT_DELAY_MAX: u32 = 86400000;

/** The most requests a worker may be told to let wait. */
export const FAULT_LIMIT_MAX: u32 = 65536;
