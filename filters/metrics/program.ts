import { METRICS_BODY_END, METRICS_FORMAT, METRICS_HOST, METRICS_LIMIT, METRICS_LIMIT_MAX } from '../abi/metrics.ts';
import { FEATURE_METRICS } from '../abi/program.ts';
import { inside } from '../sdk/bounds.ts';
import { Program, checkHeader, refuse } from '../sdk/program.ts';
import { text } from '../sdk/text.ts';

const SHORT = text('no room for a metrics program; bytes expected at least, came:');
const LIMIT = text('too many series; expected at most, came:');
const OUTSIDE = text('text outside of the program; bytes expected at most, came:');

/** Checks a whole program, once; false refuses it. What passed is read without further checks. */
export function open(program: Program): bool {
  const base = program.pointer;
  const size = program.size;
  if (!checkHeader(base, size, FEATURE_METRICS, METRICS_FORMAT)) return false;
  if (size < METRICS_BODY_END) return refuse(SHORT, METRICS_BODY_END, size);
  const limit = limitOf(program);
  if (limit > METRICS_LIMIT_MAX) return refuse(LIMIT, METRICS_LIMIT_MAX, limit);
  for (let at: u32 = METRICS_HOST; at < METRICS_BODY_END; at += 8) {
    if (!inside(load<u32>(base + at), load<u32>(base + at, 4), size))
      return refuse(OUTSIDE, size, load<u32>(base + at));
  }
  return true;
}

/** How many series this worker may keep. */
export function limitOf(program: Program): u32 {
  return load<u32>(program.pointer, METRICS_LIMIT);
}

/** Where a text of the program (METRICS_HOST, …) lies. */
export function textOf(program: Program, at: u32): usize {
  return program.pointer + load<u32>(program.pointer + at);
}

/** How many bytes a text of the program has. */
export function textSizeOf(program: Program, at: u32): u32 {
  return load<u32>(program.pointer + at, 4);
}
