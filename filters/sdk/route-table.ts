import {
  ROUTE_ROW_HASH,
  ROUTE_ROW_NAME,
  ROUTE_ROW_NAME_SIZE,
  ROUTE_ROW_RECORD,
  ROUTE_ROW_SIZE,
  ROUTE_TABLE_HEADER_SIZE,
  ROUTE_TABLE_MAX,
} from '../abi/route-table.ts';
import { inside } from './bounds.ts';
import { fnv1a, refuse } from './program.ts';
import { sameBytes, text } from './text.ts';

const OUTSIDE = text('route table outside of the program; bytes expected at most, came:');
const ROWS = text('route table; rows expected at most, came:');
const NAME = text('route name outside of the program; bytes expected at most, came:');
const HASH = text('route name and hash do not agree; expected, came:');
const ORDER = text('route table out of order; hash expected at least, came:');

/** The table at `table` lies in the program of `size` bytes, with its names, and is sorted. Records are not looked at. */
export function checkRouteTable(program: usize, size: u32, table: u32): bool {
  if (!inside(table, ROUTE_TABLE_HEADER_SIZE, size)) return refuse(OUTSIDE, size, table);
  const count = routeCount(program, table);
  if (count > ROUTE_TABLE_MAX) return refuse(ROWS, ROUTE_TABLE_MAX, count);
  if (!inside(table + ROUTE_TABLE_HEADER_SIZE, count * ROUTE_ROW_SIZE, size)) return refuse(OUTSIDE, size, table);
  for (let i: u32 = 0; i < count; i++) {
    const row = rowAt(program, table, i);
    const name = load<u32>(row, ROUTE_ROW_NAME);
    const nameSize = load<u32>(row, ROUTE_ROW_NAME_SIZE);
    if (!inside(name, nameSize, size)) return refuse(NAME, size, name);
    const hash = load<u32>(row, ROUTE_ROW_HASH);
    const came = fnv1a(program + name, nameSize);
    if (hash != came) return refuse(HASH, hash, came);
    if (i > 0 && !follows(program, row - ROUTE_ROW_SIZE, row))
      return refuse(ORDER, load<u32>(row - ROUTE_ROW_SIZE), hash);
  }
  return true;
}

/** Row `b` comes after row `a`: by hash, then by name, so that no name is there twice. */
function follows(program: usize, a: usize, b: usize): bool {
  const aHash = load<u32>(a, ROUTE_ROW_HASH);
  const bHash = load<u32>(b, ROUTE_ROW_HASH);
  if (aHash != bHash) return aHash < bHash;
  const aSize = load<u32>(a, ROUTE_ROW_NAME_SIZE);
  const bSize = load<u32>(b, ROUTE_ROW_NAME_SIZE);
  const order = memory.compare(
    program + load<u32>(a, ROUTE_ROW_NAME),
    program + load<u32>(b, ROUTE_ROW_NAME),
    min(aSize, bSize),
  );
  return order != 0 ? order < 0 : aSize < bSize;
}

/** How many routes the table has. */
export function routeCount(program: usize, table: u32): u32 {
  return load<u32>(program + table);
}

/** Offset of the record of row `i`. */
export function routeRecord(program: usize, table: u32, i: u32): u32 {
  return load<u32>(rowAt(program, table, i), ROUTE_ROW_RECORD);
}

/** The row of the route with this name, or -1. Of a table that was checked. */
export function findRoute(program: usize, table: u32, name: usize, nameSize: u32): i32 {
  const hash = fnv1a(name, nameSize);
  const count = routeCount(program, table);
  let low: u32 = 0;
  for (let high = count; low < high;) {
    const middle = (low + high) >> 1;
    if (load<u32>(rowAt(program, table, middle), ROUTE_ROW_HASH) < hash) low = middle + 1;
    else high = middle;
  }
  for (; low < count; low++) {
    const row = rowAt(program, table, low);
    if (load<u32>(row, ROUTE_ROW_HASH) != hash) return -1;
    const itsName = program + load<u32>(row, ROUTE_ROW_NAME);
    if (sameBytes(itsName, load<u32>(row, ROUTE_ROW_NAME_SIZE), name, nameSize)) return <i32>low;
  }
  return -1;
}

function rowAt(program: usize, table: u32, i: u32): usize {
  return program + table + ROUTE_TABLE_HEADER_SIZE + i * ROUTE_ROW_SIZE;
}
