import { FEATURE_ROUTING } from '#abi/program.ts';
import {
  BACKEND_DRAW,
  BACKEND_SEED,
  BACKEND_SHARE,
  BACKEND_SIZE,
  ROUTING_FORMAT,
  ROUTING_TABLE,
  SPLIT_BACKENDS,
  SPLIT_COUNT,
  SPLIT_NAME,
  SPLIT_NAME_SIZE,
  SPLIT_STICKY,
  STICKY_COOKIE,
  STICKY_HEADER,
  STICKY_IDENTITY,
} from '#abi/routing.ts';
import { openProgram, type ProgramReader } from '../program.ts';
import { readRouteTable } from '../route-table.ts';

/** A routing program as text: the same bytes always give the same lines. Throws ProgramError for other bytes. */
export function disassemble(bytes: Uint8Array): string {
  const program = openProgram(bytes, FEATURE_ROUTING, ROUTING_FORMAT);
  const lines = [`routing, format ${ROUTING_FORMAT}, ${bytes.length} bytes`];
  for (const { name, record } of readRouteTable(program, ROUTING_TABLE)) {
    lines.push(`  route ${JSON.stringify(name)}${stickyText(program, record)}`);
    const backends = Array.from({ length: program.u32(record + SPLIT_COUNT) }, (_, i) => {
      const at = record + SPLIT_BACKENDS + i * BACKEND_SIZE;
      const seed = program
        .u64(at + BACKEND_SEED)
        .toString(16)
        .padStart(16, '0');
      return { draw: program.u32(at + BACKEND_DRAW), share: program.u32(at + BACKEND_SHARE), seed };
    });
    const all = backends.reduce((sum, { share }) => sum + share, 0);
    for (const { draw, share, seed } of backends) lines.push(`    ${share} of ${all}: draw ${draw}, seed ${seed}`);
  }
  return `${lines.join('\n')}\n`;
}

function stickyText(program: ProgramReader, split: number): string {
  const name = program.text(program.u32(split + SPLIT_NAME), program.u32(split + SPLIT_NAME_SIZE));
  switch (program.u32(split + SPLIT_STICKY)) {
    case STICKY_HEADER:
      return `, sticky by header ${JSON.stringify(name)}`;
    case STICKY_COOKIE:
      return `, sticky by cookie ${JSON.stringify(name)}`;
    case STICKY_IDENTITY:
      return ', sticky by identity';
    default:
      return '';
  }
}
