import { Context, findContext } from './context.ts';
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

/** What a callback gets when the host names a stream that is not known here: it has its id, and no program. */
let unknownStream: Stream = changetype<Stream>(0);
/** The one record of a filter that keeps nothing of its streams. */
let passingStream: Stream = changetype<Stream>(0);
/** The stream that began last: it is most often the next one asked for. */
let newest: Stream = changetype<Stream>(0);

/** Sets the size of a record, once, before the first stream. */
export function setStreamSize(size: u32): void {
  recordSize = (max(size, <u32>offsetof<Stream>()) + 7) & ~7;
  unknownStream = emptyStream();
  passingStream = emptyStream();
  newest = unknownStream;
}

function emptyStream(): Stream {
  const record = heap.alloc(recordSize);
  memory.fill(record, 0, recordSize);
  const stream = changetype<Stream>(record);
  stream.program = NO_PROGRAM;
  return stream;
}

/** The stream of a callback. */
export function streamOf(id: u32): Stream {
  if (newest.id == id) return newest;
  const context = findContext(id);
  if (context != 0) return changetype<Stream>(context);
  unknownStream.id = id;
  return unknownStream;
}

/** Begins a stream that is asked for in the next callback and never again. Its root, and so its program, outlives that. */
export function passStream(id: u32, root: Root): void {
  passingStream.id = id;
  passingStream.rootId = root.id;
  passingStream.program = root.program;
  newest = passingStream;
}

/** Forgets the stream that began last, where its root may have ended. */
export function forgetStream(): void {
  newest = unknownStream;
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
  newest = stream;
  return stream;
}

export function freeStream(stream: Stream): void {
  if (newest == stream) forgetStream();
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
