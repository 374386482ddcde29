import { width, type Style } from './style.ts';

export interface Bar {
  readonly label: string;
  readonly count: number;
  /** What was expected, as a share of all: drawn as a mark. */
  readonly expected?: number;
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A small bar chart, one line a bar: label, bar, count, share, and the share that was configured. */
export function bars(data: readonly Bar[], columns: number, style: Style): string {
  const total = data.reduce((sum, { count }) => sum + count, 0);
  const labels = Math.max(...data.map(({ label }) => label.length));
  const counts = Math.max(...data.map(({ count }) => String(count).length));
  const room = Math.max(10, Math.min(50, columns - labels - counts - 30));
  return data
    .map(({ label, count, expected }) => {
      const share = total === 0 ? 0 : count / total;
      const eighths = Math.round(share * room * 8);
      const bar = '█'.repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? '');
      const padding = ' '.repeat(room - width(bar));
      const wanted = expected === undefined ? '' : style.dim(`  configured ${percent(expected)}`);
      return `  ${label.padEnd(labels)}  ${style.cyan(bar)}${padding}  ${String(count).padStart(counts)}  ${percent(share)}${wanted}\n`;
    })
    .join('');
}

/** `90%`, `12.5%`: one decimal where it says something. */
export function percent(share: number): string {
  const value = Math.round(share * 1000) / 10;
  return `${Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1)}%`;
}
