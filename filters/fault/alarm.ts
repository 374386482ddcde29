import { tickEvery } from '../sdk/clock.ts';
import { enter } from '../sdk/context.ts';
import { earliest, waiting } from './queue.ts';

// The host's tick, used as an alarm for the earliest deadline: no tick is spent while nothing is due. A tick belongs
// to a root; it is always the root of the stream that waits for it, which therefore still lives.

const MILLISECOND: u64 = 1000000;

let root: u32 = 0;
let deadline: u64 = 0;

/** Sees to it that a tick comes when the earliest stream is due. Leaves a root's context entered. */
export function setAlarm(now: u64): void {
  if (waiting() == 0) {
    stopAlarm();
    return;
  }
  const next = earliest();
  if (root != next.rootId) stopAlarm();
  else if (deadline == next.deadline) return;
  root = next.rootId;
  deadline = next.deadline;
  const rest = deadline > now ? deadline - now : 0;
  enter(root);
  tickEvery(<u32>max<u64>((rest + MILLISECOND - 1) / MILLISECOND, 1));
}

/** After a tick: the alarm has rung, and what it was set for no longer counts. */
export function rang(): void {
  deadline = 0;
}

/** A root is gone, and its tick with it. */
export function forgetRoot(id: u32): void {
  if (id == root) root = 0;
}

function stopAlarm(): void {
  if (root == 0) return;
  enter(root);
  tickEvery(0);
  root = 0;
}
