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

/** The room of a program that is finished, for the next. */
let spare: DataView<ArrayBuffer> | undefined;
const SPARE_MAX = 1 << 20;

/**
 * Writes a program: little-endian numbers and bytes one behind the other, into room that grows. Offsets are from the
 * first byte of the header, which `finish` fills in.
 */
export class ProgramWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #size: number = PROGRAM_HEADER_SIZE;

  constructor() {
    // Ten thousand small programs are written one after the other: each in the room of the one before.
    const room = spare ?? new DataView(new ArrayBuffer(4096));
    spare = undefined;
    this.#view = room;
    this.#bytes = new Uint8Array(room.buffer);
  }

  /** Offset of what is written next. */
  get size(): number {
    return this.#size;
  }

  /** Leaves `count` zero bytes, and gives the offset of the first. */
  reserve(count: number): number {
    const at = this.#take(count);
    this.#bytes.fill(0, at, at + count);
    return at;
  }

  #take(count: number): number {
    const at = this.#size;
    const end = at + count;
    if (end > this.#bytes.length) this.#grow(end);
    this.#size = end;
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
    return at;
  }

  /** A text as UTF-8; gives its offset, its end is `size`. */
  text(value: string): number {
    return this.bytes(encoder.encode(value));
  }

  /** A string of characters below 256, one byte each. */
  binary(value: string, start = 0, end: number = value.length): number {
    const at = this.#take(end - start);
    for (let i = start; i < end; i++) this.#bytes[at + i - start] = value.charCodeAt(i);
    return at;
  }

  /** Overwrites four bytes that were reserved or written before. */
  setU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  /** Moves the end to a multiple of `alignment`. */
  align(alignment: number): void {
    this.reserve((alignment - (this.#size % alignment)) % alignment);
  }

  /** Fills in the header (see filters/abi/program.ts) and gives the program. Nothing can be written after it. */
  finish(feature: number, format: number, flags = 0): Uint8Array<ArrayBuffer> {
    const program = this.#bytes.slice(0, this.#size);
    const view = new DataView(program.buffer);
    view.setUint32(0, PROGRAM_MAGIC, true);
    view.setUint8(PROGRAM_FEATURE_OFFSET, feature);
    view.setUint8(PROGRAM_FORMAT_OFFSET, format);
    view.setUint16(PROGRAM_FLAGS_OFFSET, flags, true);
    view.setUint32(PROGRAM_LENGTH_OFFSET, program.length, true);
    view.setUint32(PROGRAM_CHECKSUM_OFFSET, checksum(program), true);
    if (this.#bytes.length <= SPARE_MAX) spare = this.#view;
    return program;
  }

  #grow(wanted: number): void {
    const bytes = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** FNV-1a (32 bit) over a program's body. */
export function checksum(program: Uint8Array): number {
  let hash = FNV_OFFSET_BASIS;
  for (let i = PROGRAM_HEADER_SIZE; i < program.length; i++) hash = Math.imul(hash ^ (program[i] ?? 0), FNV_PRIME);
  return hash >>> 0;
}
