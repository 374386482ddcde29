import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { createStyle, type Style } from './render/style.ts';

/** Where a verb reads and writes: data on `out`, messages on `err`. A test gives its own. */
export interface Terminal {
  /** Writes as it is: the caller ends its lines. */
  out(text: string | Uint8Array): void;
  err(text: string | Uint8Array): void;
  /** As `out`, for what comes in pieces: resolves when there is room for the next. */
  pour(part: Uint8Array): Promise<void>;
  /** All of standard input; read once. */
  readInput(): Promise<string>;
  /** The same as it comes, byte by byte. */
  input(): Readable;
  readonly style: { readonly out: Style; readonly err: Style };
  /** Whether lines on `err` may be drawn again: it is a terminal and nobody asked for quiet. */
  readonly redraws: boolean;
  readonly columns: number;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly environment: NodeJS.ProcessEnv;
}

export interface TerminalOptions {
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly noColor: boolean;
}

/** The terminal of this process. Colours only where a person looks: NO_COLOR, --no-color and TERM=dumb end them. */
export function processTerminal(options: TerminalOptions): Terminal {
  const { stdin, stdout, stderr, env } = process;
  const coloured = (stream: NodeJS.WriteStream): boolean => {
    if (options.noColor || env['NO_COLOR'] || env['TERM'] === 'dumb') return false;
    return Boolean(env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') || stream.isTTY;
  };
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    async pour(part) {
      if (!stdout.write(part)) await once(stdout, 'drain');
    },
    async readInput() {
      let text = '';
      for await (const chunk of stdin.setEncoding('utf8')) text += chunk as string;
      return text;
    },
    input: () => stdin,
    style: { out: createStyle(coloured(stdout)), err: createStyle(coloured(stderr)) },
    redraws: stderr.isTTY && !options.quiet && env['TERM'] !== 'dumb',
    columns: stdout.columns ?? 120,
    quiet: options.quiet,
    verbose: options.verbose,
    environment: env,
  };
}
