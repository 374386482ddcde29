// A 64-bit hash of bytes: xxHash64's rounds for short inputs, for any length. Distributes well, resists no attacker:
// who uses it for a table compares the bytes too and bounds the probes.

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

/** The hash of `size` bytes under `key`. */
export function hash(pointer: usize, size: u32, key: u64): u64 {
  let h: u64 = key + P5 + size;
  for (; size >= 8; size -= 8, pointer += 8) {
    h ^= rotl(load<u64>(pointer) * P2, 31) * P1;
    h = rotl(h, 27) * P1 + P4;
  }
  if (size >= 4) {
    h ^= <u64>load<u32>(pointer) * P1;
    h = rotl(h, 23) * P2 + P3;
    pointer += 4;
    size -= 4;
  }
  for (; size > 0; size--, pointer++) {
    h ^= <u64>load<u8>(pointer) * P5;
    h = rotl(h, 11) * P1;
  }
  h = (h ^ (h >> 33)) * P2;
  h = (h ^ (h >> 29)) * P3;
  return h ^ (h >> 32);
}
