import { proxy_log } from './env.ts';
import { Text } from './text.ts';

// A log line is put together in a fixed buffer and said in one call; what does not fit is cut off.
// Never a header's value or a program's bytes: only what an operator may read.

const LINE_SIZE: u32 = 512;
const line: usize = memory.data(512, 8);
let length: u32 = 0;

/** Adds bytes to the line. */
export function putBytes(pointer: usize, size: u32): void {
  const room = LINE_SIZE - length;
  const count = size < room ? size : room;
  memory.copy(line + length, pointer, count);
  length += count;
}

/** Adds a text to the line. */
export function put(value: Text): void {
  putBytes(value.pointer, value.size);
}

/** Adds a number, in decimal. */
export function putNumber(value: u32): void {
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor > 0; divisor /= 10) {
    if (length == LINE_SIZE) return;
    store<u8>(line + length, <u8>(48 + ((value / divisor) % 10)));
    length++;
  }
}

/** Logs the line at `level` (LOG_* of abi/proxy.ts) and begins the next. */
export function say(level: u32): void {
  proxy_log(level, line, length);
  length = 0;
}
