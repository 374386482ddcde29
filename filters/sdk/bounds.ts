/** The `length` bytes at `offset` lie within `size` bytes; no numbers, however large, make it wrong. */
export function inside(offset: u32, length: u32, size: u32): bool {
  return <u64>offset + <u64>length <= <u64>size;
}
