// Shared with runtime/, must remain portable: only constants and plain functions, no imports but siblings.
//
// Every policy program begins with this header. All numbers are little-endian; all offsets are
// from the first byte of the program, so a program may lie anywhere in memory.
//
//   0        4       5         6       8        12         16
//   ┌────────┬───────┬─────────┬───────┬────────┬──────────┬──────────────
//   │ "PTLP" │feature│ format  │ flags │ length │ checksum │ body …
//   └────────┴───────┴─────────┴───────┴────────┴──────────┴──────────────
//
// length    bytes of the whole program, header included
// checksum  FNV-1a (32 bit) over the bytes from 16 to length: catches truncation and damage, not malice
//
// A filter checks header and body once, when it is configured, and refuses what it does not know;
// after that the program is read in place. A format number changes when an older reader would
// misread a newer program; flags say what a feature needs so that it pays for nothing else.

export const PROGRAM_MAGIC: u32 = 0x504c5450; // "PTLP"
export const PROGRAM_HEADER_SIZE: u32 = 16;

export const PROGRAM_FEATURE_OFFSET: u32 = 4;
export const PROGRAM_FORMAT_OFFSET: u32 = 5;
export const PROGRAM_FLAGS_OFFSET: u32 = 6;
export const PROGRAM_LENGTH_OFFSET: u32 = 8;
export const PROGRAM_CHECKSUM_OFFSET: u32 = 12;

export const FEATURE_AUTHZ: u8 = 1;
export const FEATURE_ROUTING: u8 = 2;
export const FEATURE_FAULT: u8 = 3;
export const FEATURE_METRICS: u8 = 4;

export const FNV_OFFSET_BASIS: u32 = 0x811c9dc5;
export const FNV_PRIME: u32 = 0x01000193;
