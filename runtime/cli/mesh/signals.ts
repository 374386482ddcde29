import { EXIT, type Exit } from '../exit.ts';
import type { Mesh } from './mesh.ts';

/** How long open requests get when the process is asked to end; a second signal ends them at once. */
const DRAIN_MS = 5_000;

/** Serves until somebody asks to end: then drains, and at the second time ends at once. */
export async function untilSignal(mesh: Mesh, also: () => Promise<void> = () => Promise.resolve()): Promise<Exit> {
  await new Promise<void>((resolve_) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve_());
  });
  const hurry = (): void => void mesh.stop({ drainMs: 0 });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, hurry);
  await also();
  await mesh.stop({ drainMs: DRAIN_MS });
  return EXIT.ok;
}
