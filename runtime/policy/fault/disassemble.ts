import {
  FAULT_ABORT_SHARE,
  FAULT_DELAY,
  FAULT_DELAY_SHARE,
  FAULT_FORMAT,
  FAULT_LIMIT,
  FAULT_STATUS,
  FAULT_TABLE,
} from '#abi/fault.ts';
import { FEATURE_FAULT } from '#abi/program.ts';
import { openProgram } from '../program.ts';
import { readRouteTable } from '../route-table.ts';

/** A fault program as text: the same bytes always give the same lines. Throws ProgramError for other bytes. */
export function disassemble(bytes: Uint8Array): string {
  const program = openProgram(bytes, FEATURE_FAULT, FAULT_FORMAT);
  const word = (at: number): number => program.u32(at);
  const lines = [`fault, format ${FAULT_FORMAT}, ${bytes.length} bytes`, `  at most ${word(FAULT_LIMIT)} wait`];
  for (const { name, record } of readRouteTable(program, FAULT_TABLE)) {
    lines.push(`  route ${JSON.stringify(name)}`);
    const delay = word(record + FAULT_DELAY_SHARE);
    if (delay > 0) lines.push(`    ${percent(delay)} wait ${word(record + FAULT_DELAY)} ms`);
    const abort = word(record + FAULT_ABORT_SHARE);
    if (abort > 0) lines.push(`    ${percent(abort)} are answered ${word(record + FAULT_STATUS)}`);
  }
  return `${lines.join('\n')}\n`;
}

const percent = (perMillion: number): string => `${perMillion / 10_000}%`;
