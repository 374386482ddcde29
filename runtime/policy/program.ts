import {
  PROGRAM_CHECKSUM_OFFSET,
  PROGRAM_FEATURE_OFFSET,
  PROGRAM_FLAGS_OFFSET,
  PROGRAM_FORMAT_OFFSET,
  PROGRAM_HEADER_SIZE,
  PROGRAM_LENGTH_OFFSET,
  PROGRAM_MAGIC,
} from '#abi/program.ts';
import { checksum } from './writer.ts';

/** Bytes that are not a program of the kind that was asked for. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError';
}

const decoder = new TextDecoder();

/** Reads a program by offset. Reading past its end throws a RangeError. */
export class ProgramReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }

  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }

  text(at: number, size: number): string {
    return decoder.decode(this.bytes.subarray(at, at + size));
  }

  get flags(): number {
    return this.u16(PROGRAM_FLAGS_OFFSET);
  }
}

/** Opens a program after the checks that a filter makes of the header. Throws ProgramError. */
export function openProgram(bytes: Uint8Array, feature: number, format: number): ProgramReader {
  const expect = (what: string, expected: number, came: number): void => {
    if (expected !== came) throw new ProgramError(`program: expected ${what} ${expected}, came ${came}`);
  };
  if (bytes.length < PROGRAM_HEADER_SIZE) {
    throw new ProgramError(`program: expected at least ${PROGRAM_HEADER_SIZE} bytes, came ${bytes.length}`);
  }
  const reader = new ProgramReader(bytes);
  expect('first bytes', PROGRAM_MAGIC, reader.u32(0));
  expect('feature', feature, reader.u8(PROGRAM_FEATURE_OFFSET));
  expect('format', format, reader.u8(PROGRAM_FORMAT_OFFSET));
  expect('length', reader.u32(PROGRAM_LENGTH_OFFSET), bytes.length);
  expect('checksum', reader.u32(PROGRAM_CHECKSUM_OFFSET), checksum(bytes));
  return reader;
}
