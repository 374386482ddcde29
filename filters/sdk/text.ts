/** Bytes that live as long as the VM: keys, names and bodies. UTF-8, without a NUL at the end. */
@final
export class Text {
  readonly pointer: usize;
  readonly size: u32;

  constructor(pointer: usize, size: u32) {
    this.pointer = pointer;
    this.size = size;
  }
}

/** A text for a global of a module: encoded once, when the VM starts. Never call it while a request is handled. */
export function text(value: string): Text {
  const size = String.UTF8.byteLength(value);
  const pointer = heap.alloc(max(size, 1));
  String.UTF8.encodeUnsafe(changetype<usize>(value), value.length, pointer);
  return new Text(pointer, <u32>size);
}

/** The two byte strings are the same. */
export function sameBytes(a: usize, aSize: u32, b: usize, bSize: u32): bool {
  return aSize == bSize && equalBytes(a, b, aSize);
}

/** The `size` bytes at both places are the same. */
export function equalBytes(a: usize, b: usize, size: u32): bool {
  let i: u32 = 0;
  for (; i + 8 <= size; i += 8) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false;
  }
  for (; i < size; i++) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false;
  }
  return true;
}

/** The byte string is the text. */
export function isText(pointer: usize, size: u32, value: Text): bool {
  return size == value.size && equalBytes(pointer, value.pointer, size);
}

/** The first place where either byte stands, or `size`. Eight bytes at a time: a difference of zero borrows into its top bit. */
export function indexOfEither(pointer: usize, size: u32, a: u8, b: u8): u32 {
  const ones = u64.MAX_VALUE / 255;
  const tops = ones << 7;
  const firsts = ones * a;
  const seconds = ones * b;
  let i: u32 = 0;
  for (; i + 8 <= size; i += 8) {
    const bytes = load<u64>(pointer + i);
    const x = bytes ^ firsts;
    const y = bytes ^ seconds;
    if ((((x - ones) & ~x) | ((y - ones) & ~y)) & tops) break;
  }
  for (; i < size; i++) {
    const byte = load<u8>(pointer + i);
    if (byte == a || byte == b) return i;
  }
  return size;
}
