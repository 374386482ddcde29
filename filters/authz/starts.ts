// Where records of variable size begin, found by going through a section once: an offset that is read later must be
// one of them. One bit for each byte of the program, kept while one program is checked.

let bits: usize = 0;

/** Begins the check of a program of so many bytes. */
export function beginStarts(size: u32): void {
  const bytes = (<usize>size >> 3) + 1;
  bits = heap.alloc(bytes);
  memory.fill(bits, 0, bytes);
}

export function endStarts(): void {
  heap.free(bits);
}

/** Forgets what was marked in a section, before it is gone through: sections of a bad program may overlap. */
export function clearStarts(at: u32, size: u32): void {
  for (const end = at + size; at < end; at++) {
    if ((at & 7) == 0 && at + 8 <= end) {
      store<u8>(bits + (<usize>at >> 3), 0);
      at += 7;
    } else {
      const byte = bits + (<usize>at >> 3);
      store<u8>(byte, load<u8>(byte) & ~((1 as u8) << (<u8>at & 7)));
    }
  }
}

/** A record begins at the offset. */
export function markStart(offset: u32): void {
  const at = bits + (<usize>offset >> 3);
  store<u8>(at, load<u8>(at) | ((1 as u8) << (<u8>offset & 7)));
}

/** A record begins at the offset, which lies in the program of `size` bytes. */
export function isStart(offset: u32, size: u32): bool {
  return offset < size && ((load<u8>(bits + (<usize>offset >> 3)) >> (<u8>offset & 7)) & 1) != 0;
}

/** A record begins at the offset, and is taken now for the first time: nobody else may lead to it. */
export function takeStart(offset: u32, size: u32): bool {
  if (!isStart(offset, size)) return false;
  const at = bits + (<usize>offset >> 3);
  store<u8>(at, load<u8>(at) & ~((1 as u8) << (<u8>offset & 7)));
  return true;
}
