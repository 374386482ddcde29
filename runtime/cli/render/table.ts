import { width, type Style } from './style.ts';

/** A cell that is undefined is `-`. */
export type Row = readonly (string | undefined)[];

/**
 * Columns with two blanks between them, as kubectl prints: head in bold, the last column never padded. Every row has as
 * many cells as the head.
 */
export function table(head: readonly string[], rows: readonly Row[], style: Style): string {
  const widths = widthsOf(head, rows);
  return `${style.bold(lineOf(head, widths))}\n${rowsText(rows, widths)}`;
}

/** How wide each column is; kept for rows that are printed later under the same head. */
export const widthsOf = (head: readonly string[], rows: readonly Row[]): readonly number[] =>
  head.map((title, column) => Math.max(width(title), ...rows.map((row) => width(cellOf(row[column])))));

export const rowsText = (rows: readonly Row[], widths: readonly number[]): string =>
  rows.map((row) => `${lineOf(row, widths)}\n`).join('');

const cellOf = (cell: string | undefined): string => (cell === undefined || cell === '' ? '-' : cell);

function lineOf(row: Row, widths: readonly number[]): string {
  return row
    .map((each, column) => {
      const cell = cellOf(each);
      const room = column === row.length - 1 ? 0 : (widths[column] ?? 0) - width(cell);
      return cell + ' '.repeat(Math.max(0, room));
    })
    .join('  ')
    .trimEnd();
}
