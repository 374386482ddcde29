import { METRICS_BODY_END, METRICS_FORMAT, METRICS_HOST } from '#abi/metrics.ts';
import { FEATURE_METRICS } from '#abi/program.ts';
import type { ServicePort } from '#model/waypoint.ts';
import { ProgramWriter } from '../writer.ts';

/** Series of one worker. Each is four statistics of Envoy, with their labels some 12 KB together (measured). */
const SERIES = 2000;

/**
 * The metrics program of a service port (abi/metrics.ts draws it). Callers are not in it, or every service would
 * carry a copy of all of them: the filter knows a caller by what its tunnel says.
 */
export function compileMetrics(port: Pick<ServicePort, 'service'>): Uint8Array {
  const { host, name, namespace } = port.service;
  const writer = new ProgramWriter();
  writer.u32(SERIES);
  const texts = writer.reserve(METRICS_BODY_END - METRICS_HOST);
  [host, name, namespace].forEach((text, i) => {
    const at = writer.text(text);
    writer.setU32(texts + i * 8, at);
    writer.setU32(texts + i * 8 + 4, writer.size - at);
  });
  return writer.finish(FEATURE_METRICS, METRICS_FORMAT);
}
