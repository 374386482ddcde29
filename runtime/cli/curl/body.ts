import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Terminal } from '../terminal.ts';

/** What a request carries. */
export interface RequestBody {
  readonly body: string | Readable;
  /** Known of a file before it is read. */
  readonly length?: number;
}

/**
 * The body of `-d`: texts, and files with "@". A single file, or standard input, is sent as it is read, byte by byte and
 * however long it is; several parts are joined by "&", as curl does it. Undefined: there is none.
 */
export async function requestBody(data: readonly string[], terminal: Terminal): Promise<RequestBody | undefined> {
  const [first, ...more] = data;
  if (first === undefined) return undefined;
  if (more.length > 0 || !first.startsWith('@')) {
    return { body: (await Promise.all(data.map((part) => textOf(part, terminal)))).join('&') };
  }
  if (first === '@-') return { body: terminal.input() };
  const path = first.slice(1);
  const found = await stat(path);
  // A pipe or a device has no length that could be told.
  return { body: createReadStream(path), ...(found.isFile() ? { length: found.size } : {}) };
}

async function textOf(data: string, terminal: Terminal): Promise<string> {
  if (!data.startsWith('@')) return data;
  return data === '@-' ? await terminal.readInput() : await readFile(data.slice(1), 'utf8');
}
