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
} from '../abi/program.ts';
import { put, putNumber } from './log.ts';
import { Text, text } from './text.ts';

/**
 * A configuration in memory. The root that was configured with it holds one reference, every stream that began
 * under it another; when the last goes, the bytes and the feature's state are freed.
 */
@unmanaged
export class Program {
  pointer: usize = 0;
  size: u32 = 0;
  references: u32 = 0;
  /** What the feature made of it in `open` (a block of heap.alloc, freed with the program), or 0. */
  state: usize = 0;

  get flags(): u16 {
    return load<u16>(this.pointer, <usize>PROGRAM_FLAGS_OFFSET);
  }
}

/** The program of a stream whose root has none: `state` is 0, and what it says is what a feature does about it. */
export const NO_PROGRAM: Program = changetype<Program>(memory.data(sizeof<usize>() * 2 + 8, 8));

/** A program that holds the `size` bytes at `pointer`, which are now its own. */
export function createProgram(pointer: usize, size: u32): Program {
  const program = changetype<Program>(heap.alloc(offsetof<Program>()));
  program.pointer = pointer;
  program.size = size;
  program.references = 1;
  program.state = 0;
  return program;
}

export function retain(program: Program): Program {
  if (program != NO_PROGRAM) program.references++;
  return program;
}

export function release(program: Program): void {
  if (program == NO_PROGRAM || --program.references != 0) return;
  if (program.state != 0) heap.free(program.state);
  heap.free(program.pointer);
  heap.free(changetype<usize>(program));
}

const SHORT = text('shorter than a header; bytes expected, came:');
const MAGIC = text('no Portolan program; first bytes expected, came:');
const FEATURE = text('for another filter; feature expected, came:');
const FORMAT = text('of another format (upgrade the filter or the runtime); expected, came:');
const LENGTH = text('cut short or too long; bytes expected, came:');
const CHECKSUM = text('damaged; checksum expected, came:');
const REFUSED = text('program refused: ');
const SPACE = text(' ');

/** Begins the log line that says why a program is refused, and gives false. The caller of `open` ends the line. */
export function refuse(why: Text, expected: u32, came: u32): bool {
  put(REFUSED);
  put(why);
  put(SPACE);
  putNumber(expected);
  put(SPACE);
  putNumber(came);
  return false;
}

/** The header is right (see abi/program.ts) and the bytes are those that the compiler wrote. */
export function checkHeader(pointer: usize, size: u32, feature: u8, format: u8): bool {
  if (size < PROGRAM_HEADER_SIZE) return refuse(SHORT, PROGRAM_HEADER_SIZE, size);
  const magic = load<u32>(pointer);
  if (magic != PROGRAM_MAGIC) return refuse(MAGIC, PROGRAM_MAGIC, magic);
  const itsFeature = load<u8>(pointer, <usize>PROGRAM_FEATURE_OFFSET);
  if (itsFeature != feature) return refuse(FEATURE, feature, itsFeature);
  const itsFormat = load<u8>(pointer, <usize>PROGRAM_FORMAT_OFFSET);
  if (itsFormat != format) return refuse(FORMAT, format, itsFormat);
  const length = load<u32>(pointer, <usize>PROGRAM_LENGTH_OFFSET);
  if (length != size) return refuse(LENGTH, length, size);
  const checksum = load<u32>(pointer, <usize>PROGRAM_CHECKSUM_OFFSET);
  const came = fnv1a(pointer + <usize>PROGRAM_HEADER_SIZE, size - PROGRAM_HEADER_SIZE);
  if (checksum != came) return refuse(CHECKSUM, checksum, came);
  return true;
}

/** FNV-1a, 32 bit. */
export function fnv1a(pointer: usize, size: u32): u32 {
  let hash = FNV_OFFSET_BASIS;
  for (const end = pointer + size; pointer < end; pointer++) hash = (hash ^ load<u8>(pointer)) * FNV_PRIME;
  return hash;
}
