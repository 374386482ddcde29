import {
  ROUTE_ROW_HASH,
  ROUTE_ROW_NAME,
  ROUTE_ROW_NAME_SIZE,
  ROUTE_ROW_RECORD,
  ROUTE_ROW_SIZE,
  ROUTE_TABLE_HEADER_SIZE,
} from '#abi/route-table.ts';
import { fnv1a } from './hash.ts';
import type { ProgramReader } from './program.ts';
import type { ProgramWriter } from './writer.ts';

const encoder = new TextEncoder();

const NO_NAME = new Uint8Array(0);

/** What a reader is told of a route without a name. */
const ONLY = '(the only one)';

/**
 * Writes a route table (abi/route-table.ts draws it) and the names behind it. Gives its rows in their order: what each
 * is to hold, and where the offset of its record must be written. `nameless`: a route that is alone gets no name, for
 * a filter that does not ask then; services that split alike have one program so, which Envoy tries out once instead of
 * each time (some 3 ms).
 */
export function writeRouteTable<T>(
  writer: ProgramWriter,
  entries: readonly (readonly [name: string, content: T])[],
  { nameless = false } = {},
): readonly { readonly content: T; readonly recordAt: number }[] {
  const only = nameless && entries.length === 1;
  const rows = entries
    .map(([text, content]) => {
      const name = only ? NO_NAME : encoder.encode(text);
      return { name, hash: fnv1a(name), content };
    })
    .sort((a, b) => a.hash - b.hash || compareBytes(a.name, b.name));
  writer.u32(rows.length);
  const table = writer.reserve(rows.length * ROUTE_ROW_SIZE);
  return rows.map(({ name, hash, content }, i) => {
    const row = table + i * ROUTE_ROW_SIZE;
    writer.setU32(row + ROUTE_ROW_HASH, hash);
    writer.setU32(row + ROUTE_ROW_NAME, writer.bytes(name));
    writer.setU32(row + ROUTE_ROW_NAME_SIZE, name.length);
    return { content, recordAt: row + ROUTE_ROW_RECORD };
  });
}

/** The names of a table and the offsets of their records, sorted by name for a reader. */
export function readRouteTable(program: ProgramReader, table: number): readonly { name: string; record: number }[] {
  return Array.from({ length: program.u32(table) }, (_, i) => {
    const row = table + ROUTE_TABLE_HEADER_SIZE + i * ROUTE_ROW_SIZE;
    const name = program.text(program.u32(row + ROUTE_ROW_NAME), program.u32(row + ROUTE_ROW_NAME_SIZE));
    return { name: name === '' ? ONLY : name, record: program.u32(row + ROUTE_ROW_RECORD) };
  }).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
