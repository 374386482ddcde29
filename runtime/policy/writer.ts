import {
  FNV_OFFSET_BASIS,
  FNV_PRIME,
  PROGRAM_CHECKSUM_OFFSET,
  PROGRAM_FEATURE_OFFSET,
  PROGRAM_FLAGS_OFFSET,
  PROGRAM_FORMAT_OFFSET,
  PROGRAM_HEADER_SIZE,
  PROGRAM_LENGTH_OFFSET,
  PROGRAM_MAGIC,
} from '#abi/program.ts';

const encoder = new TextEncoder();

/** Room that is taken at once for many programs; one that needs more gets more. Whoever keeps one keeps it all. */
const ROOM = 1 << 16;
const ALIGNMENT = 8;

interface Room {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Where the next program can begin. */
  readonly from: number;
}

/** What the last program left of its room: ten thousand small ones are written one behind the other. */
let spare: Room | undefined;

function roomOf(size: number): Room {
  const bytes = new Uint8Array(size);
  return { bytes, view: new DataView(bytes.buffer), from: 0 };
}

/**
 * Writes a program: little-endian numbers and bytes one behind the other, into room that grows. Offsets are from the
 * first byte of the header, which `finish` fills in.
 */
export class ProgramWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  /** Where the program begins in its room. */
  #base: number;
  #size: number = PROGRAM_HEADER_SIZE;

  constructor() {
    let room = spare;
    spare = undefined;
    if (room === undefined || room.bytes.length - room.from < PROGRAM_HEADER_SIZE) room = roomOf(ROOM);
    this.#view = room.view;
    this.#bytes = room.bytes;
    this.#base = room.from;
  }

  /** Offset of what is written next. */
  get size(): number {
    return this.#size;
  }

  /** Leaves `count` zero bytes, and gives the offset of the first. */
  reserve(count: number): number {
    const at = this.#take(count);
    this.#bytes.fill(0, at, at + count);
    return at - this.#base;
  }

  /** Room for `count` bytes, counted from the room's first. It may be another room than before. */
  #take(count: number): number {
    const at = this.#base + this.#size;
    if (at + count > this.#bytes.length) return this.#grow(count);
    this.#size += count;
    return at;
  }

  // `#take` first: it may replace the view.

  u8(value: number): void {
    const at = this.#take(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  /** A u64 of two halves. */
  u64(low: number, high: number): void {
    const at = this.#take(8);
    this.#view.setUint32(at, low, true);
    this.#view.setUint32(at + 4, high, true);
  }

  u64big(value: bigint): void {
    const at = this.#take(8);
    this.#view.setBigUint64(at, value, true);
  }

  bytes(value: Uint8Array): number {
    const at = this.#take(value.length);
    this.#bytes.set(value, at);
    return at - this.#base;
  }

  /** A text as UTF-8; gives its offset, its end is `size`. */
  text(value: string): number {
    return isAscii(value) ? this.binary(value) : this.bytes(encoder.encode(value));
  }

  /** A string of characters below 256, one byte each. */
  binary(value: string, start = 0, end: number = value.length): number {
    const at = this.#take(end - start);
    const bytes = this.#bytes;
    for (let i = start; i < end; i++) bytes[at + i - start] = value.charCodeAt(i);
    return at - this.#base;
  }

  /** Overwrites four bytes that were reserved or written before. */
  setU32(at: number, value: number): void {
    this.#view.setUint32(this.#base + at, value, true);
  }

  /** Moves the end to a multiple of `alignment`. */
  align(alignment: number): void {
    this.reserve((alignment - (this.#size % alignment)) % alignment);
  }

  /** Fills in the header (see filters/abi/program.ts) and gives the program. Nothing can be written after it. */
  finish(feature: number, format: number, flags = 0): Uint8Array<ArrayBuffer> {
    const [base, size, view] = [this.#base, this.#size, this.#view];
    const program = this.#bytes.subarray(base, base + size);
    view.setUint32(base, PROGRAM_MAGIC, true);
    view.setUint8(base + PROGRAM_FEATURE_OFFSET, feature);
    view.setUint8(base + PROGRAM_FORMAT_OFFSET, format);
    view.setUint16(base + PROGRAM_FLAGS_OFFSET, flags, true);
    view.setUint32(base + PROGRAM_LENGTH_OFFSET, size, true);
    view.setUint32(base + PROGRAM_CHECKSUM_OFFSET, checksum(program), true);
    const from = Math.ceil((base + size) / ALIGNMENT) * ALIGNMENT;
    if (this.#bytes.length === ROOM) spare = { bytes: this.#bytes, view, from };
    return program;
  }

  /** The program moves to room of its own, and leaves the ones before it where they are. */
  #grow(count: number): number {
    const { bytes, view } = roomOf(Math.max(ROOM, 2 * (this.#size + count)));
    bytes.set(this.#bytes.subarray(this.#base, this.#base + this.#size));
    this.#bytes = bytes;
    this.#view = view;
    this.#base = 0;
    return this.#take(count);
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

/** FNV-1a (32 bit) over a program's body. */
export function checksum(program: Uint8Array): number {
  let hash = FNV_OFFSET_BASIS;
  for (let i = PROGRAM_HEADER_SIZE; i < program.length; i++) hash = Math.imul(hash ^ program[i]!, FNV_PRIME);
  return hash >>> 0;
}
