import { fstatSync, ftruncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

/** Follows a file that another process appends to. */
export interface LogFile {
  /** Reads what there is now and stops following. */
  close(): Promise<void>;
}

export interface LogFileOptions {
  readonly onLine: (line: string) => void;
  /** Where to begin: `end` for the log of an Envoy that ran before us. */
  readonly from: 'start' | 'end';
  /** The file is emptied when it is longer, once all of it was read. */
  readonly maxBytes?: number;
  readonly pollMs?: number;
}

/**
 * Gives each line once. The file is looked at several times a second: that works on every file system, and costs less
 * than the events of a busy log. Its writer has it open for appending, so that it may be emptied under the writer's
 * hands; what is written between the last read and that moment is lost, which only happens every `maxBytes`.
 */
export async function followLog(path: string, options: LogFileOptions): Promise<LogFile> {
  const { onLine, from, maxBytes = 16 << 20, pollMs = 100 } = options;
  const file = await open(path, 'r+');
  const buffer = Buffer.alloc(65_536);
  let decoder = new StringDecoder('utf8');
  let position = from === 'end' ? (await file.stat()).size : 0;
  let rest = '';
  let reading: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    const { size } = await file.stat();
    if (size < position) {
      // Emptied by somebody else.
      position = 0;
      decoder = new StringDecoder('utf8');
    }
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      const lines = (rest + decoder.write(buffer.subarray(0, bytesRead))).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(onLine);
    }
    // Synchronously, so that the gap in which a line could be lost is as short as can be.
    if (position > maxBytes && fstatSync(file.fd).size === position) {
      ftruncateSync(file.fd, 0);
      position = 0;
    }
  }

  const timer = setInterval(() => (reading = reading.then(read)), pollMs).unref();
  return {
    async close() {
      clearInterval(timer);
      await reading;
      await read();
      if (rest !== '') onLine(rest);
      await file.close();
    },
  };
}
