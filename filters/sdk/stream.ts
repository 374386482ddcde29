import { Context } from './context.ts';
import { NO_PROGRAM, Program, release, retain } from './program.ts';
import { Root } from './root.ts';

/**
 * One HTTP request or TCP connection. It keeps the program that was in force when it began. A feature that must
 * remember more extends the class (`@unmanaged`, plain numbers only) and gives `streamSize`; it begins with zeros.
 */
@unmanaged
export class Stream extends Context {
  program: Program = NO_PROGRAM;
}

// Records of one size, in chunks that are never given back; free ones form a list through their first word.
const CHUNK: u32 = 64;
let recordSize: u32 = <u32>offsetof<Stream>();
let freeRecords: usize = 0;

/** What a callback gets when the host names a stream that it never began: it has no program. */
export let unknownStream: Stream = changetype<Stream>(0);

/** Sets the size of a record, once, before the first stream. */
export function setStreamSize(size: u32): void {
  recordSize = (max(size, <u32>offsetof<Stream>()) + 7) & ~7;
  const record = heap.alloc(recordSize);
  memory.fill(record, 0, recordSize);
  unknownStream = changetype<Stream>(record);
  unknownStream.program = NO_PROGRAM;
}

export function createStream(id: u32, root: Root): Stream {
  if (freeRecords == 0) addChunk();
  const record = freeRecords;
  freeRecords = load<usize>(record);
  memory.fill(record, 0, recordSize);
  const stream = changetype<Stream>(record);
  stream.id = id;
  stream.rootId = root.id;
  stream.program = retain(root.program);
  return stream;
}

export function freeStream(stream: Stream): void {
  release(stream.program);
  store<usize>(changetype<usize>(stream), freeRecords);
  freeRecords = changetype<usize>(stream);
}

function addChunk(): void {
  let record = heap.alloc(<usize>recordSize * CHUNK);
  for (let i: u32 = 0; i < CHUNK; i++, record += recordSize) {
    store<usize>(record, freeRecords);
    freeRecords = record;
  }
}
