import { allocate } from '../sdk/memory.ts';
import { indexOfEither } from '../sdk/text.ts';

// Other spellings of what a request says; runtime/policy/authz/spelling.ts tells why and which.

const SEMICOLON: u8 = 0x3b;
const PERCENT: u8 = 0x25;
const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;

/** A path as it was sent, without the parameters of its segments, and (2) without the separators of parameters alone. */
export const AS_SENT: u32 = 0;
const WITHOUT_PARAMETERS: u32 = 1;
export const PATH_SPELLINGS: u32 = 3;

/** What `respell` made; until the end of the callback. */
export let spelled: usize = 0;
export let spelledSize: u32 = 0;

/** How many bytes at `at` begin a parameter: 1 for `;`, 3 for `%3b`, else 0. */
function separator(path: usize, size: u32, at: u32): u32 {
  const byte = load<u8>(path + at);
  if (byte == SEMICOLON) return 1;
  if (byte != PERCENT || at + 3 > size || load<u8>(path + at, 1) != 0x33) return 0;
  return (load<u8>(path + at, 2) | 0x20) == 0x62 ? 3 : 0;
}

/** The path has a spelling that differs from it. */
export function hasParameters(path: usize, size: u32): bool {
  let at = indexOfEither(path, size, SEMICOLON, PERCENT);
  while (at < size) {
    if (separator(path, size, at) != 0) return true;
    at++;
    at += indexOfEither(path + at, size - at, SEMICOLON, PERCENT);
  }
  return false;
}

/** Writes the path in another spelling: without parameters or their separators, empty segments and dot segments. */
export function respell(path: usize, size: u32, spelling: u32): void {
  const to = allocate(size + 1);
  let end: u32 = 0;
  // Up to its first slash, which is its first byte in all requests that Envoy lets in.
  let at = copySegment(path, size, 0, spelling, to);
  end = copied;
  const floor = end;
  while (at < size) {
    const slash = end;
    store<u8>(to + end++, SLASH);
    at = copySegment(path, size, at + 1, spelling, to + end);
    const dots = dotsIn(to + end, copied);
    if (copied > 0 && dots == 0) {
      end += copied;
      continue;
    }
    end = slash;
    if (dots == 2) {
      while (end > floor && load<u8>(to + --end) != SLASH) {}
    }
    if (at == size) store<u8>(to + end++, SLASH);
  }
  spelled = to;
  spelledSize = end;
}

let copied: u32 = 0;

/** Copies a segment without parameters or separators; gives the place of the slash that ends it, or `size`. */
function copySegment(path: usize, size: u32, from: u32, spelling: u32, to: usize): u32 {
  let at = from;
  copied = 0;
  while (at < size && load<u8>(path + at) != SLASH) {
    const skip = separator(path, size, at);
    if (skip == 0) {
      store<u8>(to + copied++, load<u8>(path + at++));
      continue;
    }
    at += skip;
    if (spelling == WITHOUT_PARAMETERS) {
      while (at < size && load<u8>(path + at) != SLASH) at++;
    }
  }
  return at;
}

/** 1 for `.`, 2 for `..`, else 0. */
function dotsIn(segment: usize, size: u32): u32 {
  if (size == 0 || size > 2 || load<u8>(segment) != DOT) return 0;
  return size == 1 || load<u8>(segment, 1) == DOT ? size : 0;
}

/** How much of a host is left without an empty port, or the one that http has anyway: `:80`, also with zeros ahead. */
export function portlessSize(host: usize, size: u32): u32 {
  let end = size;
  if (end > 2 && load<u8>(host + end - 1) == 0x30 && load<u8>(host + end - 2) == 0x38) {
    end -= 2;
    while (end > 0 && load<u8>(host + end - 1) == 0x30) end--;
  }
  return end > 0 && load<u8>(host + end - 1) == 0x3a /* : */ ? end - 1 : size;
}

/** How much of a host is left without dots at its end. */
export function dotlessSize(host: usize, size: u32): u32 {
  let end = size;
  while (end > 0 && load<u8>(host + end - 1) == DOT) end--;
  return end;
}
