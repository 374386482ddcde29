import { FIELD_COUNT, LABEL_MAX } from '../abi/metrics.ts';
import { Text, text } from '../sdk/text.ts';

// The labels of a request as one key: each value, cut off at LABEL_MAX, after its length in one byte. No two sets of
// values have the same key, and a series' name is made from its key alone.
//
//   ┌───┬──────────┬────┬──────────────────┬────
//   │ 8 │ waypoint │ 3  │ 200              │ …
//   └───┴──────────┴────┴──────────────────┴────

/** Room for any key. */
export const KEY_MAX: u32 = FIELD_COUNT * (LABEL_MAX + 1);

/** Room for the labels in any name: an escaped byte takes three. */
export const LABELS_MAX: u32 = FIELD_COUNT * (LABEL_MAX * 3 + 2);

const UNKNOWN = text('unknown');

/** Adds a value to the key that ends at `at`; one that is not known is `unknown`. Gives the new end. */
export function putLabel(at: usize, value: usize, size: u32): usize {
  return size == 0 ? putText(at, UNKNOWN) : putMaybeEmpty(at, value, size);
}

/** Adds a value of which empty means empty. */
export function putMaybeEmpty(at: usize, value: usize, size: u32): usize {
  if (size > LABEL_MAX) size = LABEL_MAX;
  store<u8>(at, <u8>size);
  memory.copy(at + 1, value, size);
  return at + 1 + size;
}

/** Adds a text of our own. */
export function putText(at: usize, value: Text): usize {
  return putMaybeEmpty(at, value.pointer, value.size);
}

const DOT: u8 = 0x2e;
const SEMICOLON: u8 = 0x3b;
const PERCENT: u8 = 0x25;
const QUOTE: u8 = 0x22;
const BACKSLASH: u8 = 0x5c;

/** Writes the labels of a key as they stand in a series' name, escaped. Gives how many bytes; at most LABELS_MAX. */
export function writeLabels(pointer: usize, key: usize, keySize: u32): u32 {
  let at = pointer;
  for (const end = key + keySize; key < end;) {
    const last = key + 1 + load<u8>(key);
    store<u8>(at++, DOT);
    for (key++; key < last; key++) at = escape(at, load<u8>(key));
    store<u8>(at++, SEMICOLON);
  }
  return <u32>(at - pointer);
}

/** Only printable ASCII stands for itself, without what ends a label, begins an escape, or troubles Prometheus' text. */
function escape(at: usize, byte: u8): usize {
  const plain =
    byte > 0x20 && byte < 0x7f && byte != SEMICOLON && byte != PERCENT && byte != QUOTE && byte != BACKSLASH;
  if (plain) {
    store<u8>(at, byte);
    return at + 1;
  }
  store<u8>(at, PERCENT);
  store<u8>(at + 1, hexDigit(byte >> 4));
  store<u8>(at + 2, hexDigit(byte & 15));
  return at + 3;
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x37 + value;
}
