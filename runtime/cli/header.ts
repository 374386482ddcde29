import { usage } from './failure.ts';

export type Header = readonly [name: string, value: string];

/** Reads `-H 'name: value'`. Throws a usage failure for what cannot be a header line. */
export function headerOf(text: string): Header {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(text);
  const [, name, value] = match ?? [];
  if (name === undefined || value === undefined) {
    throw usage(`"${text}" is not a header`, { expected: "'name: value'", came: text });
  }
  return [name, value];
}
