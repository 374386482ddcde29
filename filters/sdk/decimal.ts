/** Writes a number in decimal, without leading zeros; at most 20 bytes. Gives how many. */
export function writeDecimal(pointer: usize, value: u64): u32 {
  let size: u32 = 1;
  for (let rest = value / 10; rest > 0; rest /= 10) size++;
  for (let at = pointer + size; at > pointer; value /= 10) store<u8>(--at, <u8>(48 + (value % 10)));
  return size;
}
