import {
  FAULT_ABORT_SHARE,
  FAULT_DELAY,
  FAULT_DELAY_MAX,
  FAULT_DELAY_SHARE,
  FAULT_FORMAT,
  FAULT_LIMIT,
  FAULT_LIMIT_MAX,
  FAULT_SHARE_ALL,
  FAULT_SIZE,
  FAULT_STATUS,
  FAULT_TABLE,
} from '../abi/fault.ts';
import { FEATURE_FAULT } from '../abi/program.ts';
import { inside } from '../sdk/bounds.ts';
import { Program, checkHeader, refuse } from '../sdk/program.ts';
import { checkRouteTable, findRoute, routeCount, routeRecord } from '../sdk/route-table.ts';
import { text } from '../sdk/text.ts';

const SHORT = text('no room for a fault program; bytes expected at least, came:');
const LIMIT = text('too many requests may wait; expected at most, came:');
const OUTSIDE = text('fault outside of the program, or not aligned; bytes expected at most, came:');
const SHARE = text('share of requests; millionths expected at most, came:');
const DELAY = text('delay; milliseconds expected at most, came:');
const STATUS = text('abort with a status that no response has; expected below, came:');

/** Checks a whole program, once; false refuses it. What passed is read without further checks. */
export function open(program: Program): bool {
  const base = program.pointer;
  const size = program.size;
  if (!checkHeader(base, size, FEATURE_FAULT, FAULT_FORMAT)) return false;
  if (size < FAULT_TABLE) return refuse(SHORT, FAULT_TABLE, size);
  const limit = load<u32>(base, FAULT_LIMIT);
  if (limit > FAULT_LIMIT_MAX) return refuse(LIMIT, FAULT_LIMIT_MAX, limit);
  if (!checkRouteTable(base, size, FAULT_TABLE)) return false;
  const count = routeCount(base, FAULT_TABLE);
  for (let i: u32 = 0; i < count; i++) {
    if (!checkFault(base, size, routeRecord(base, FAULT_TABLE, i))) return false;
  }
  return true;
}

function checkFault(base: usize, size: u32, record: u32): bool {
  if ((record & 3) != 0 || !inside(record, FAULT_SIZE, size)) return refuse(OUTSIDE, size, record);
  const fault = base + record;
  const delayShare = load<u32>(fault, FAULT_DELAY_SHARE);
  if (delayShare > FAULT_SHARE_ALL) return refuse(SHARE, FAULT_SHARE_ALL, delayShare);
  const abortShare = load<u32>(fault, FAULT_ABORT_SHARE);
  if (abortShare > FAULT_SHARE_ALL) return refuse(SHARE, FAULT_SHARE_ALL, abortShare);
  const delay = load<u32>(fault, FAULT_DELAY);
  if (delay > FAULT_DELAY_MAX) return refuse(DELAY, FAULT_DELAY_MAX, delay);
  const status = load<u32>(fault, FAULT_STATUS);
  if (abortShare > 0 && (status < 200 || status > 599)) return refuse(STATUS, 600, status);
  return true;
}

/** What is meant to happen to requests of the route with this name; 0: nothing. */
export function findFault(program: Program, name: usize, nameSize: u32): usize {
  const row = findRoute(program.pointer, FAULT_TABLE, name, nameSize);
  return row < 0 ? 0 : program.pointer + routeRecord(program.pointer, FAULT_TABLE, row);
}

/** How many requests may wait at once. */
export function limitOf(program: Program): u32 {
  return load<u32>(program.pointer, FAULT_LIMIT);
}
