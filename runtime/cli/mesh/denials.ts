import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Denial, DenialQuery } from '#admin/api.ts';
import { HEADER_KEY, HEADER_LIMIT } from '#envoy/denial-log.ts';
import { followLog } from '#proxy/log-file.ts';

/** The denials of one waypoint that are remembered. */
export interface Denials {
  /** What Envoy writes, and we read. */
  readonly path: string;
  /** The latest first. */
  find(query: DenialQuery): readonly Denial[];
  close(): Promise<void>;
}

/** More are forgotten, the oldest first. */
const REMEMBERED = 2_000;
/** The file is emptied when it is longer. */
const FILE_BYTES = 4 << 20;

/**
 * Follows the denials that a waypoint's Envoy writes into its folder. The file is made here, so that only its owner can
 * read it; what an earlier run left in it is remembered too.
 */
export async function followDenials(folder: string, waypoint: string): Promise<Denials> {
  const path = join(folder, 'denials.log');
  await (await open(path, 'a', 0o600)).close();
  const known: Denial[] = [];
  const file = await followLog(path, {
    from: 'start',
    maxBytes: FILE_BYTES,
    onLine(line) {
      const denial = denialOf(line, waypoint);
      if (denial === undefined) return;
      known.push(denial);
      if (known.length > REMEMBERED) known.shift();
    },
  });
  return {
    path,
    find(query) {
      if ('last' in query) return known.slice(-query.last).toReversed();
      return known.filter(({ requestId }) => requestId === query.requestId).toReversed();
    },
    close: () => file.close(),
  };
}

type Line = Readonly<Record<string, string | number | null | undefined>>;

/** Undefined for a line that is none, or that was cut off. */
export function denialOf(text: string, waypoint: string): Denial | undefined {
  const line = jsonOf(text);
  if (line === undefined) return undefined;
  const textOf = (key: string): string => String(line[key] ?? '');
  const named = Object.keys(line).filter((key) => key.startsWith(HEADER_KEY));
  const lines = named.map((key) => [key.slice(HEADER_KEY.length), line[key]] as const);
  const isWhole = (value: unknown): boolean => typeof value !== 'string' || value.length < HEADER_LIMIT;
  const { principal, route } = line;
  return {
    time: textOf('time'),
    requestId: textOf('request_id'),
    waypoint,
    ...(principal ? { principal: String(principal) } : {}),
    source: textOf('source'),
    destination: textOf('destination'),
    authority: textOf('authority'),
    method: textOf('method'),
    path: textOf('path'),
    protocol: textOf('protocol'),
    status: Number(line['status']),
    details: textOf('details'),
    ...(route ? { route: String(route) } : {}),
    durationMs: Number(line['duration_ms']),
    headers: lines.flatMap(([name, value]) =>
      typeof value === 'string' && isWhole(value) ? [[name, value] as const] : [],
    ),
    kept: lines.filter(([, value]) => isWhole(value)).map(([name]) => name),
  };
}

function jsonOf(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}
