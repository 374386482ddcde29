import { METRICS_BODY_END, METRICS_FORMAT, METRICS_LIMIT, METRICS_LIMIT_MAX } from '../abi/metrics.ts';
import { FEATURE_METRICS } from '../abi/program.ts';
import { Program, checkHeader, refuse } from '../sdk/program.ts';
import { text } from '../sdk/text.ts';

const SIZE = text('no metrics program; bytes expected, came:');
const LIMIT = text('too many series; expected at most, came:');

/** How many series this worker may keep, by the program that came last: all services have the same one. */
export let limit: u32 = 0;

/** Checks a whole program, once; false refuses it. */
export function open(program: Program): bool {
  const base = program.pointer;
  const size = program.size;
  if (!checkHeader(base, size, FEATURE_METRICS, METRICS_FORMAT)) return false;
  if (size != METRICS_BODY_END) return refuse(SIZE, METRICS_BODY_END, size);
  const its = load<u32>(base, METRICS_LIMIT);
  if (its > METRICS_LIMIT_MAX) return refuse(LIMIT, METRICS_LIMIT_MAX, its);
  limit = its;
  return true;
}
