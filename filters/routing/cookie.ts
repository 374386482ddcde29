// Cookies as RFC 6265 section 5.4 sends them: `name=value` pairs, parted by `;` and blanks. A value may be in double
// quotes, which are not part of it. Names are compared byte by byte.

const SEMICOLON: u8 = 0x3b;
const EQUALS: u8 = 0x3d;
const QUOTE: u8 = 0x22;
const SPACE: u8 = 0x20;
const TAB: u8 = 0x09;

export let cookieValue: usize = 0;
export let cookieValueSize: u32 = 0;

/** Looks for a cookie in one `cookie` header line; when it is there, `cookieValue` and `cookieValueSize` say where. */
export function findCookie(line: usize, size: u32, name: usize, nameSize: u32): bool {
  const end = line + size;
  for (let begin = line; begin < end;) {
    let stop = begin;
    while (stop < end && load<u8>(stop) != SEMICOLON) stop++;
    if (isCookie(begin, stop, name, nameSize)) return true;
    begin = stop + 1;
  }
  return false;
}

/** The pair between `begin` and `stop` has the name. */
function isCookie(begin: usize, stop: usize, name: usize, nameSize: u32): bool {
  while (begin < stop && isBlank(load<u8>(begin))) begin++;
  while (stop > begin && isBlank(load<u8>(stop - 1))) stop--;
  let value = begin + nameSize;
  if (value >= stop || memory.compare(begin, name, nameSize) != 0 || load<u8>(value) != EQUALS) return false;
  value++;
  if (stop - value >= 2 && load<u8>(value) == QUOTE && load<u8>(stop - 1) == QUOTE) {
    value++;
    stop--;
  }
  cookieValue = value;
  cookieValueSize = <u32>(stop - value);
  return true;
}

function isBlank(byte: u8): bool {
  return byte == SPACE || byte == TAB;
}
