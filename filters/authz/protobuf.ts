// Reads the fields of a serialized protobuf message, one after the other, in place. There is one reader: a message within
// another is begun anew, and the outer one is taken up again where `endField` said that its field ends.

const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const BYTES: u32 = 2;
const FIXED_32: u32 = 5;

/** Number of the field that was read last. */
export let field: u32 = 0;
/** What it holds, if that is bytes (a text, a message); else 0. Empty ones have an address too. */
export let bytes: usize = 0;
export let bytesSize: u32 = 0;
/** Where the field ends. */
export let endField: usize = 0;

let end: usize = 0;
let whole: bool = false;
let number: u64 = 0;

/** The fields from `from` up to `to` are read next. */
export function beginMessage(from: usize, to: usize): void {
  endField = from;
  end = to;
  whole = true;
}

/** Nothing was cut off or malformed in what was read since the message was begun. */
export function isWhole(): bool {
  return whole;
}

/** Reads a field. False: there is none left, or what is left is no field. */
export function nextField(): bool {
  if (endField >= end) return false;
  whole = false;
  if (!readVarint()) return false;
  const type = <u32>number & 7;
  field = <u32>(number >> 3);
  bytes = 0;
  bytesSize = 0;
  switch (type) {
    case VARINT:
      if (!readVarint()) return false;
      break;
    case FIXED_64:
      if (end - endField < 8) return false;
      endField += 8;
      break;
    case FIXED_32:
      if (end - endField < 4) return false;
      endField += 4;
      break;
    case BYTES:
      if (!readVarint() || number > <u64>(end - endField)) return false;
      bytes = endField;
      bytesSize = <u32>number;
      endField += <usize>number;
      break;
    default: // groups, which nobody writes any more
      return false;
  }
  whole = true;
  return true;
}

/** Reads a number of up to ten bytes. */
function readVarint(): bool {
  number = 0;
  for (let shift: u64 = 0; shift < 70 && endField < end; shift += 7) {
    const byte = load<u8>(endField++);
    number |= (<u64>(byte & 0x7f)) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}
