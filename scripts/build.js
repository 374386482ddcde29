// Everything that a checkout needs before it can run or be tested: Envoy API types, filters, bundle.
// `npm ci` calls it (prepare). An installed package holds dist/ already and never comes here.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

for (const step of ['gen', 'filters', 'bundle']) {
  const began = performance.now();
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${step}.js`)], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  console.error(`build: ${step} ${((performance.now() - began) / 1000).toFixed(1)} s`);
}
