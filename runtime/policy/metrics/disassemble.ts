import { METRICS_FORMAT, METRICS_LIMIT } from '#abi/metrics.ts';
import { FEATURE_METRICS } from '#abi/program.ts';
import { openProgram } from '../program.ts';

/** A metrics program as text: the same bytes always give the same lines. Throws ProgramError for other bytes. */
export function disassemble(bytes: Uint8Array): string {
  const program = openProgram(bytes, FEATURE_METRICS, METRICS_FORMAT);
  return [
    `metrics, format ${METRICS_FORMAT}, ${bytes.length} bytes`,
    `  at most ${program.u32(METRICS_LIMIT)} series`,
    '',
  ].join('\n');
}
