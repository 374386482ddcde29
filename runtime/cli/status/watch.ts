import type { Row } from '../render/table.ts';

/** The column that changes all the time, and is no change. */
const AGE = -1;

/** Rows that are new, other than before, or gone, as kubectl prints them when it watches. */
export function changedRows(before: readonly Row[], after: readonly Row[]): readonly Row[] {
  const known = new Map(before.map((row) => [keyOf(row), row]));
  const changed = after.filter((row) => {
    const earlier = known.get(keyOf(row));
    known.delete(keyOf(row));
    return earlier === undefined || textOf(earlier) !== textOf(row);
  });
  return [...changed, ...[...known.values()].map(gone)];
}

const keyOf = ([namespace, name]: Row): string => `${namespace}/${name}`;
const textOf = (row: Row): string => row.slice(0, AGE).join(' ');

/** Its name, and nothing that it has any more. */
const gone = (row: Row): Row => row.map((cell, column) => (column < 2 ? cell : column === CONFIG ? 'gone' : undefined));
const CONFIG = 6;
