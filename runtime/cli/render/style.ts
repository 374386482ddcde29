import { styleText } from 'node:util';

type Paint = (text: string) => string;

export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly yellow: Paint;
  readonly green: Paint;
  readonly cyan: Paint;
  readonly underline: Paint;
}

/** Paints, or leaves text as it is. The caller decides; the streams are not asked again. */
export function createStyle(coloured: boolean): Style {
  const paint = (format: keyof Style): Paint =>
    coloured ? (text) => styleText(format, text, { validateStream: false }) : (text) => text;
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    yellow: paint('yellow'),
    green: paint('green'),
    cyan: paint('cyan'),
    underline: paint('underline'),
  };
}

// oxlint-disable-next-line no-control-regex -- a terminal's own sequences
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text from elsewhere (names, bodies, messages of a peer) made harmless for a terminal: escapes are shown, not obeyed. */
export const printable = (text: string): string =>
  text.replace(CONTROL, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

// oxlint-disable-next-line no-control-regex -- what `createStyle` writes
const PAINT = /\u001b\[\d+m/g;

/** Columns that a text takes, without its paint. */
export const width = (text: string): number => Array.from(text.replace(PAINT, '')).length;
