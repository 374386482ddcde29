import { FAULT_DELAY_MAX, FAULT_FORMAT, FAULT_SHARE_ALL } from '#abi/fault.ts';
import { FEATURE_FAULT } from '#abi/program.ts';
import type { Fault } from '#model/fault.ts';
import type { ServicePort } from '#model/waypoint.ts';
import { writeRouteTable } from '../route-table.ts';
import { ProgramWriter } from '../writer.ts';

/** Requests of one worker that may wait at once: each holds a stream of Envoy's, so there must be an end to it. */
const WAITING = 4096;

/** The fault program of a service port (abi/fault.ts draws it); undefined when no route has a fault. */
export function compileFault(port: ServicePort): Uint8Array | undefined {
  const entries: (readonly [string, Fault])[] = [];
  for (const { name, fault } of port.routes) if (fault !== undefined) entries.push([name, fault]);
  if (entries.length === 0) return undefined;
  const writer = new ProgramWriter();
  writer.u32(WAITING);
  writer.u32(0);
  const rows = writeRouteTable(writer, entries);
  writer.align(4);
  for (const { content, recordAt } of rows) {
    writer.setU32(recordAt, writer.size);
    writeFault(writer, content);
  }
  return writer.finish(FEATURE_FAULT, FAULT_FORMAT);
}

function writeFault(writer: ProgramWriter, { delay, abort }: Fault): void {
  writer.u32(Math.min(Math.round(delay?.fixedMs ?? 0), FAULT_DELAY_MAX));
  writer.u32(Math.min(delay?.perMillion ?? 0, FAULT_SHARE_ALL));
  writer.u32(abort?.httpStatus ?? 0);
  writer.u32(Math.min(abort?.perMillion ?? 0, FAULT_SHARE_ALL));
}
