// `npm start`: Bookinfo behind a waypoint on this machine. Builds first if nothing is built.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const CLI = join(ROOT, 'dist/portolan.js');

if (!existsSync(CLI)) {
  const { status } = spawnSync(process.execPath, [join(ROOT, 'scripts/build.js')], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
process.argv.splice(2, 0, 'run', '--demo');
process.argv[1] = CLI;
await import(CLI);
