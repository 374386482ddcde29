import { FEATURE_ROUTING } from '../abi/program.ts';
import {
  BACKEND_DRAW,
  BACKEND_SHARE,
  BACKEND_SIZE,
  ROUTING_FORMAT,
  ROUTING_TABLE,
  SPLIT_BACKENDS,
  SPLIT_BACKENDS_MAX,
  SPLIT_COUNT,
  SPLIT_NAME,
  SPLIT_NAME_SIZE,
  SPLIT_STICKY,
  STICKY_IDENTITY,
  STICKY_NONE,
} from '../abi/routing.ts';
import { inside } from '../sdk/bounds.ts';
import { Program, checkHeader, refuse } from '../sdk/program.ts';
import { checkRouteTable, findRoute, routeCount, routeRecord } from '../sdk/route-table.ts';
import { text } from '../sdk/text.ts';
import { urnSize } from './evaluate.ts';

const EMPTY = text('no splits; at least, came:');
const OUTSIDE = text('split outside of the program, or not aligned; bytes expected at most, came:');
const BACKENDS = text('split with too few or too many backends; expected at most, came:');
const SHARE = text('backend without a share, or shares past 32 bits; expected at least, came:');
const DRAW = text('draws of a split do not rise; expected more than, came:');
const STICKY = text('unknown way to be sticky; expected at most, came:');
const NAME = text('header or cookie name missing or outside of the program; bytes expected at most, came:');
const MEMORY = text('more backends than the filter keeps urns for; bytes expected at most, came:');

/** What all urns of a program may take: far above any program that is meant. */
const URNS_MAX: u64 = 16 * 1024 * 1024;

// The state of an open program: where the urn of every row of the route table begins, then the urns, all empty.
//
//   0       4
//   ┌───────┬───────┬────┬───────┬───────┬────
//   │ urn 0 │ urn 1 │ …  │ urn   │ urn   │ …
//   └───────┴───────┴────┴───────┴───────┴────
//     offsets in the state

/** Checks a whole program, once, and gives it its urns; false refuses it. What passed is read without further checks. */
export function open(program: Program): bool {
  const base = program.pointer;
  const size = program.size;
  if (!checkHeader(base, size, FEATURE_ROUTING, ROUTING_FORMAT)) return false;
  if (!checkRouteTable(base, size, ROUTING_TABLE)) return false;
  const count = routeCount(base, ROUTING_TABLE);
  if (count == 0) return refuse(EMPTY, 1, 0);
  let stateSize: u64 = <u64>count * 4;
  for (let i: u32 = 0; i < count; i++) {
    const record = routeRecord(base, ROUTING_TABLE, i);
    if (!checkSplit(base, size, record)) return false;
    stateSize += urnSize(load<u32>(base + record, SPLIT_COUNT));
  }
  if (stateSize > URNS_MAX) return refuse(MEMORY, <u32>URNS_MAX, <u32>stateSize);
  const state = heap.alloc(<usize>stateSize);
  memory.fill(state, 0, <usize>stateSize);
  let urn = count * 4;
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(state + i * 4, urn);
    urn += urnSize(load<u32>(base + routeRecord(base, ROUTING_TABLE, i), SPLIT_COUNT));
  }
  program.state = state;
  return true;
}

function checkSplit(base: usize, size: u32, record: u32): bool {
  if ((record & 7) != 0 || !inside(record, SPLIT_BACKENDS, size)) return refuse(OUTSIDE, size, record);
  const split = base + record;
  const count = load<u32>(split, SPLIT_COUNT);
  if (count == 0 || count > SPLIT_BACKENDS_MAX) return refuse(BACKENDS, SPLIT_BACKENDS_MAX, count);
  if (!inside(record, SPLIT_BACKENDS + count * BACKEND_SIZE, size)) return refuse(OUTSIDE, size, record);
  const sticky = load<u32>(split, SPLIT_STICKY);
  if (sticky > STICKY_IDENTITY) return refuse(STICKY, STICKY_IDENTITY, sticky);
  if (sticky != STICKY_NONE && sticky != STICKY_IDENTITY) {
    const nameSize = load<u32>(split, SPLIT_NAME_SIZE);
    if (nameSize == 0 || !inside(load<u32>(split, SPLIT_NAME), nameSize, size)) return refuse(NAME, size, nameSize);
  }
  let total: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const backend = split + SPLIT_BACKENDS + i * BACKEND_SIZE;
    const share = load<u32>(backend, BACKEND_SHARE);
    total += share;
    if (share == 0 || total > <u64>u32.MAX_VALUE) return refuse(SHARE, 1, share);
    const draw = load<u32>(backend, BACKEND_DRAW);
    if (i > 0 && draw <= load<u32>(backend - BACKEND_SIZE, BACKEND_DRAW)) return refuse(DRAW, draw, i);
  }
  return true;
}

/** The row of the only route of a program, of which no name has to be asked; -1 when there are several. */
export function onlyRow(program: Program): i32 {
  return routeCount(program.pointer, ROUTING_TABLE) == 1 ? 0 : -1;
}

/** The row of the route with this name, or -1. */
export function findRow(program: Program, name: usize, nameSize: u32): i32 {
  return findRoute(program.pointer, ROUTING_TABLE, name, nameSize);
}

/** The split of a row. */
export function splitOf(program: Program, row: i32): usize {
  return program.pointer + routeRecord(program.pointer, ROUTING_TABLE, row);
}

/** The urn of a row's split. */
export function urnOf(program: Program, row: i32): usize {
  return program.state + load<u32>(program.state + <usize>row * 4);
}
