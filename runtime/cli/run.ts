import type { RunOf } from './command.ts';
import type { run as command } from './commands/run.ts';
import { usage } from './failure.ts';
import { announce } from './mesh/announcement.ts';
import { guided, meshOptions, startOrFail } from './mesh/start.ts';
import { untilSignal } from './mesh/signals.ts';

export const run: RunOf<typeof command> = async ({ values, terminal }) => {
  if (values.demo) {
    const { demo } = await import('./mesh/demo.ts');
    return demo(values, terminal);
  }
  if (values.file.length === 0) {
    throw usage('nothing to run', { expected: '-f PATH, or --demo', came: 'neither', next: 'portolan run -f mesh/' });
  }
  const began = performance.now();
  const mesh = await startOrFail(await meshOptions(values, terminal));
  try {
    await mesh.ready();
  } catch (error) {
    await mesh.stop({ drainMs: 0 });
    throw guided(error);
  }
  announce(mesh, terminal, performance.now() - began);
  return untilSignal(mesh);
};
