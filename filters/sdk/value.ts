// Where the last value that was read from the host lies: in the arena, until the callback ends.

export let value: usize = 0;
export let valueSize: u32 = 0;

/** Where the host writes the address of a value, and after it the size. */
export const VALUE_OUT: usize = memory.data(8, 8);

/** Takes over what the host wrote to VALUE_OUT, or nothing when `status` says that it wrote nothing. */
export function take(status: u32): u32 {
  if (status == 0) {
    value = load<usize>(VALUE_OUT);
    valueSize = load<u32>(VALUE_OUT, 4);
  } else {
    value = 0;
    valueSize = 0;
  }
  return status;
}
