const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Text of UTF-8 bytes; broken sequences become U+FFFD. */
export const fromUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Throws unless every character is one byte, as HTTP headers are in Fetch and in Node. */
export function checkByteString(text: string): void {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) <= 0xff) continue;
    throw new TypeError(
      `a header is a byte string: expected characters up to U+00FF, got ${JSON.stringify(text)}; encode it as UTF-8 first`,
    );
  }
}

/** Bytes of a byte string: one a character. */
export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The byte string of some bytes: one character a byte. */
export function fromLatin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/**
 * The memory of one VM as host calls see it. An access outside of it is answered, never thrown: `undefined` or
 * false, which a host call gives the guest as STATUS_INVALID_MEMORY_ACCESS.
 */
export class Memory {
  readonly #memory: WebAssembly.Memory;
  readonly #allocate: (size: number) => number;
  #bytes: Uint8Array;
  #view: DataView;

  /** `allocate` is the guest's `proxy_on_memory_allocate`. */
  constructor(memory: WebAssembly.Memory, allocate: (size: number) => number) {
    this.#memory = memory;
    this.#allocate = allocate;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
  }

  get size(): number {
    return this.#memory.buffer.byteLength;
  }

  /** A copy of `size` bytes at `pointer`: what the guest does to its memory later cannot change it. */
  read(pointer: number, size: number): Uint8Array | undefined {
    if (!this.#holds(pointer, size)) return undefined;
    return this.#bytes.slice(pointer >>> 0, (pointer >>> 0) + (size >>> 0));
  }

  write(pointer: number, bytes: Uint8Array): boolean {
    if (!this.#holds(pointer, bytes.length)) return false;
    this.#bytes.set(bytes, pointer >>> 0);
    return true;
  }

  readU32(pointer: number): number | undefined {
    return this.#holds(pointer, 4) ? this.#view.getUint32(pointer >>> 0, true) : undefined;
  }

  writeU32(pointer: number, value: number): boolean {
    if (!this.#holds(pointer, 4)) return false;
    this.#view.setUint32(pointer >>> 0, value, true);
    return true;
  }

  writeU64(pointer: number, value: bigint): boolean {
    if (!this.#holds(pointer, 8)) return false;
    this.#view.setBigUint64(pointer >>> 0, BigInt.asUintN(64, value), true);
    return true;
  }

  /**
   * Puts bytes where the guest wants them and tells it where: its address at `pointerOut`, its length at `sizeOut`.
   * Nothing is allocated for no bytes; the address is then 0.
   */
  give(bytes: Uint8Array, pointerOut: number, sizeOut: number): boolean {
    let pointer = 0;
    if (bytes.length > 0) {
      pointer = this.#allocate(bytes.length) >>> 0;
      if (pointer === 0 || !this.write(pointer, bytes)) return false;
    }
    return this.writeU32(pointerOut, pointer) && this.writeU32(sizeOut, bytes.length);
  }

  // Memory may grow in any call into the guest, its allocator included; the old views are then empty.
  #holds(pointer: number, size: number): boolean {
    if (this.#bytes.byteLength !== this.#memory.buffer.byteLength) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
      this.#view = new DataView(this.#memory.buffer);
    }
    return (pointer >>> 0) + (size >>> 0) <= this.#bytes.byteLength;
  }
}
