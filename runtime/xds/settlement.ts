import type { Stream } from './stream.ts';
import type { Settlement } from './status.ts';

/** How long a client that has answered everything must be silent before what it never asked for is given up, in milliseconds. */
export const SILENCE = 500;

/** A stream, and when something last happened on it. */
export interface Watched {
  readonly stream: Stream;
  readonly activeAt: number;
}

/**
 * How the clients of one waypoint received its snapshot, or undefined while they have not. A client may leave
 * resources unasked for good (those that a refused listener refers to), but it also asks for some only when the ones
 * before are in place; silence tells the two apart.
 */
export function settlement(clients: readonly Watched[], now: number): Settlement | undefined {
  if (clients.length === 0) return undefined;
  let unasked = 0;
  for (const { stream, activeAt } of clients) {
    const progress = stream.progress();
    if (!progress.idle || (progress.unasked > 0 && now - activeAt < SILENCE)) return undefined;
    unasked += progress.unasked;
  }
  return {
    nodes: clients.map(({ stream }) => stream.node.id),
    nacks: clients.flatMap(({ stream }) => stream.nacks()),
    unasked,
  };
}
