/** Told what a long step is doing. `fraction` is from 0 to 1; undefined when nothing is known. */
export interface Progress {
  step(text: string, fraction?: number): void;
  /** The last step is over; `text` says with what result. */
  end(text: string): void;
}

export const SILENT: Progress = { step: () => undefined, end: () => undefined };

const WIDTH = 24;

/**
 * Progress for people: on a terminal one line drawn again and again, elsewhere one line for each step as it begins and
 * one at the end. `stream` is standard error as a rule.
 */
export function progressOn(stream: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>): Progress {
  let last = '';
  if (!stream.isTTY) {
    return {
      step(text) {
        if (text !== last) stream.write(`${text}\n`);
        last = text;
      },
      end: (text) => void stream.write(`${text}\n`),
    };
  }
  const draw = (line: string): void => {
    // Carriage return and "erase to the end of the line".
    if (line !== last) stream.write(`\r${line}\x1b[K`);
    last = line;
  };
  return {
    step: (text, fraction) => draw(fraction === undefined ? text : `${bar(fraction)} ${text}`),
    end(text) {
      draw(text);
      stream.write('\n');
    },
  };
}

function bar(fraction: number): string {
  const part = Math.max(0, Math.min(1, fraction));
  const full = Math.round(part * WIDTH);
  return `[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${String(Math.floor(part * 100)).padStart(3)} %`;
}
