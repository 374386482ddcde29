import { Readable } from 'node:stream';
import { createStyle } from './render/style.ts';
import type { Terminal, TerminalOptions } from './terminal.ts';

/** A terminal for tests: keeps what is written. */
export interface Capture {
  readonly terminal: (options: TerminalOptions) => Terminal;
  readonly out: () => string;
  readonly err: () => string;
}

export function capture(input = '', environment: NodeJS.ProcessEnv = {}): Capture {
  let out = '';
  let err = '';
  const plain = createStyle(false);
  const text = (part: string | Uint8Array): string =>
    typeof part === 'string' ? part : Buffer.from(part).toString('utf8');
  return {
    out: () => out,
    err: () => err,
    terminal: ({ quiet, verbose }) => ({
      out: (part) => void (out += text(part)),
      err: (part) => void (err += text(part)),
      pour: async (part) => void (out += text(part)),
      readInput: () => Promise.resolve(input),
      input: () => Readable.from([Buffer.from(input)]),
      style: { out: plain, err: plain },
      redraws: false,
      columns: 100,
      quiet,
      verbose,
      environment,
    }),
  };
}
