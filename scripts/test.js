// `npm test`: builds what is stale, finds or fetches Envoy, and runs every tier that needs no Docker.
// `npm test -- compose` runs that tier; any other words go to vitest as they are.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const TIERS = ['unit', 'golden', 'filters', 'envoy'];

const run = (command, args, options = {}) => {
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (status !== 0) process.exit(status ?? 1);
};

const words = process.argv.slice(2);
const named = words.filter((word) => [...TIERS, 'compose'].includes(word));
const tiers = named.length > 0 ? named : TIERS;

run(process.execPath, [join(ROOT, 'scripts/build.js')]);

const needsEnvoy = tiers.includes('envoy') || tiers.includes('compose');
const envoy = needsEnvoy
  ? spawnSync(process.execPath, [join(ROOT, 'dist/portolan.js'), 'envoy', 'path'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  : undefined;
if (envoy !== undefined && envoy.status !== 0) process.exit(envoy.status ?? 1);

run(
  process.execPath,
  [
    join(ROOT, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...tiers.flatMap((tier) => ['--project', tier]),
    ...words.filter((word) => !named.includes(word)),
  ],
  { env: { ...process.env, ...(envoy === undefined ? {} : { PORTOLAN_ENVOY: envoy.stdout.trim() }) } },
);
