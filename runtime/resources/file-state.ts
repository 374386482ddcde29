import { type DocumentText, ParsedDocument, type Position, positionAt, splitDocuments } from './document.ts';

/**
 * A file as it was last read. A document that occurs twice is two objects, so that each tells where it is; their
 * offsets are kept apart, so that an edit leaves the documents behind it the same.
 */
export interface FileState {
  readonly path: string;
  readonly text: string;
  readonly documents: readonly ParsedDocument[];
  readonly offsets: readonly number[];
  /** The first document that could not be read, so that nobody knows what it was meant to hold. */
  readonly broken: ParsedDocument | undefined;
}

/** Reads a file; `before` is its state until now, which is returned when nothing changed. */
export function readFileState(path: string, text: string, before: FileState | undefined): FileState {
  if (before?.text === text) return before;
  const { documents, offsets } = before === undefined ? readDocuments(splitDocuments(text), []) : edit(text, before);
  return { path, text, documents, offsets, broken: documents.find(({ broken }) => broken) };
}

/** Where in the file something of a document is. */
export function positionIn(file: FileState, document: ParsedDocument, offset: number): Position {
  return positionAt(file.text, (file.offsets[file.documents.indexOf(document)] ?? 0) + offset);
}

type Documents = Pick<FileState, 'documents' | 'offsets'>;

/** Parses what is not among the known documents; each of them is used once. */
function readDocuments(texts: readonly DocumentText[], known: readonly ParsedDocument[]): Documents {
  const unused = new Map<string, ParsedDocument>();
  for (const document of known) unused.set(document.text, document);
  const documents = texts.map(({ text }) => {
    const document = unused.get(text);
    unused.delete(text);
    return document ?? new ParsedDocument(detached(text));
  });
  return { documents, offsets: texts.map(({ offset }) => offset) };
}

/**
 * An edit leaves most documents as they are: those at the start and the end of the file are compared in place, and only
 * what lies between is split and looked up. For a file of a megabyte that is a memory comparison and little else.
 */
function edit(text: string, old: FileState): Documents {
  const head = sameHead(text, old);
  const start = head === 0 ? 0 : (old.offsets[head] ?? 0);
  const tail = sameTail(text, old, head, start);
  const between = splitDocuments(text.slice(start, tail.offset));
  // A directive joins its document with the next marker, which may be where the tail begins.
  if (between.some((each) => each.text.startsWith('%'))) return readDocuments(splitDocuments(text), old.documents);
  const read = readDocuments(between, old.documents.slice(head, tail.index));
  const shift = tail.offset - (old.offsets[tail.index] ?? 0);
  return {
    documents: [...old.documents.slice(0, head), ...read.documents, ...old.documents.slice(tail.index)],
    offsets: [
      ...old.offsets.slice(0, head),
      ...read.offsets.map((offset) => offset + start),
      ...old.offsets.slice(tail.index).map((offset) => offset + shift),
    ],
  };
}

const isMarked = (text: string): boolean => /^---(?![^ \t\r\n])/.test(text);

/** How many documents at the start are in place; after them comes one that begins in the same place. */
function sameHead(text: string, old: FileState): number {
  let from = 0;
  let count = 0;
  for (const document of old.documents) {
    const end = (old.offsets[count] ?? 0) + document.text.length;
    const begun = count === 0 ? !text.startsWith('%') : isMarked(document.text) && document.text.length > 3;
    if (!begun || text.slice(from, end) !== old.text.slice(from, end)) break;
    from = end;
    count++;
  }
  return Math.max(0, count - 1);
}

/** The documents at the end that are there as before, each begun by a marker: the first of them, and its new offset. */
function sameTail(
  text: string,
  { documents, offsets }: Documents,
  head: number,
  from: number,
): { readonly index: number; readonly offset: number } {
  let index = documents.length;
  let offset = text.length;
  for (; index > head + 1; index--) {
    const part = documents[index - 1]?.text ?? '';
    const start = offset - part.length;
    const end = (offsets[index - 1] ?? 0) + part.length;
    if (index < documents.length && end !== offsets[index]) break;
    // Slices of equal length are compared as memory, which startsWith is not.
    if (!isMarked(part) || start <= from || text[start - 1] !== '\n' || text.slice(start, offset) !== part) break;
    offset = start;
  }
  return { index, offset };
}

/** A copy that does not keep the whole file alive, as a slice of a string does. */
function detached(slice: string): string {
  const encoding = /[^\0-\xff]/.test(slice) ? 'utf16le' : 'latin1';
  return Buffer.from(slice, encoding).toString(encoding);
}
