import { width, type Style } from './style.ts';

/**
 * Columns with two blanks between them, as kubectl prints: head in bold, the last column never padded. A cell that is
 * undefined is `-`. Every row has as many cells as the head.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | undefined)[])[],
  style: Style,
): string {
  const cells = rows.map((row) => row.map((cell) => (cell === undefined || cell === '' ? '-' : cell)));
  const widths = head.map((title, column) => Math.max(width(title), ...cells.map((row) => width(row[column] ?? ''))));
  const line = (row: readonly string[], paint: (text: string) => string): string =>
    row
      .map((cell, column) => {
        const room = column === row.length - 1 ? 0 : (widths[column] ?? 0) - width(cell);
        return paint(cell) + ' '.repeat(Math.max(0, room));
      })
      .join('  ')
      .trimEnd();
  return [line(head, style.bold), ...cells.map((row) => line(row, (text) => text))].map((text) => `${text}\n`).join('');
}
