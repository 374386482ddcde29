import { METRICS_FORMAT, METRICS_HOST, METRICS_LIMIT, METRICS_NAME, METRICS_NAMESPACE } from '#abi/metrics.ts';
import { FEATURE_METRICS } from '#abi/program.ts';
import { openProgram } from '../program.ts';

/** A metrics program as text: the same bytes always give the same lines. Throws ProgramError for other bytes. */
export function disassemble(bytes: Uint8Array): string {
  const program = openProgram(bytes, FEATURE_METRICS, METRICS_FORMAT);
  const text = (at: number): string => JSON.stringify(program.text(program.u32(at), program.u32(at + 4)));
  return [
    `metrics, format ${METRICS_FORMAT}, ${bytes.length} bytes`,
    `  at most ${program.u32(METRICS_LIMIT)} series`,
    `  service ${text(METRICS_HOST)}, name ${text(METRICS_NAME)}, namespace ${text(METRICS_NAMESPACE)}`,
    '',
  ].join('\n');
}
