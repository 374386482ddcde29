import { METRICS_FORMAT } from '#abi/metrics.ts';
import { FEATURE_METRICS } from '#abi/program.ts';
import { ProgramWriter } from '../writer.ts';

/** Series of one worker. Each is four statistics of Envoy, with their labels some 12 KB together (measured). */
const SERIES = 2000;

/**
 * The metrics program (abi/metrics.ts draws it). Neither service nor caller is in it: Envoy tries out every distinct
 * configuration in a VM of its own, some 3 ms each, and every service would carry a copy of all callers.
 */
export function compileMetrics(): Uint8Array {
  const writer = new ProgramWriter();
  writer.u32(SERIES);
  return writer.finish(FEATURE_METRICS, METRICS_FORMAT);
}
