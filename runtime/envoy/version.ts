const FIRST = 0x85ebca6b;
const SECOND = 0xc2b2ae35;

/**
 * The version of a resource: 64 bits that follow from its bytes, the same in every run. Two contents of one resource
 * have one version by a chance of 1 in 2^64. A SHA would cost a sixth of what making all resources does, and is not
 * needed: whoever could choose bytes to make two versions equal would only keep their own edit from being sent.
 */
export function versionOf(bytes: Uint8Array): string {
  const { length } = bytes;
  let a = length ^ FIRST;
  let b = length ^ SECOND;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    a = Math.imul(rotated(a ^ word, 13), FIRST);
    b = Math.imul(rotated(b ^ word, 17), SECOND);
  }
  for (; at < length; at++) {
    a = Math.imul(rotated(a ^ bytes[at]!, 13), FIRST);
    b = Math.imul(rotated(b ^ bytes[at]!, 17), SECOND);
  }
  a = mixed(a ^ rotated(b, 15));
  b = mixed(b ^ rotated(a, 18));
  return hexadecimal(a, b);
}

const rotated = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

/** Every bit of the result depends on every bit of the value. */
function mixed(value: number): number {
  let result = Math.imul(value ^ (value >>> 16), FIRST);
  result = Math.imul(result ^ (result >>> 13), SECOND);
  return result ^ (result >>> 16);
}

const DIGITS = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

const digit = (value: number, place: number): number => DIGITS[(value >>> place) & 15]!;

/** Sixteen digits, made at once: half the cost of two texts that are joined. */
const hexadecimal = (a: number, b: number): string =>
  String.fromCharCode(
    digit(a, 28),
    digit(a, 24),
    digit(a, 20),
    digit(a, 16),
    digit(a, 12),
    digit(a, 8),
    digit(a, 4),
    digit(a, 0),
    digit(b, 28),
    digit(b, 24),
    digit(b, 20),
    digit(b, 16),
    digit(b, 12),
    digit(b, 8),
    digit(b, 4),
    digit(b, 0),
  );
