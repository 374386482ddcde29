// Bundles the runtime into dist/, which is what a user installs: no TypeScript, no build tools, no generated sources.

import { chmodSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { FEATURES } from './features.js';

const ROOT = join(import.meta.dirname, '..');
const DIST = join(ROOT, 'dist');

rmSync(DIST, { recursive: true, force: true });
mkdirSync(join(DIST, 'filters'), { recursive: true });

await build({
  absWorkingDir: ROOT,
  entryPoints: {
    portolan: 'runtime/main.ts',
    'bookinfo-app': 'examples/compose/app.ts',
    'compose-setup': 'examples/compose/main.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  chunkNames: 'chunks/[name]-[hash]',
  // Some dependencies are CommonJS and call require for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

chmodSync(join(DIST, 'portolan.js'), 0o755);

for (const feature of FEATURES) {
  const wasm = join(ROOT, `build/filters/${feature}.release.wasm`);
  if (existsSync(wasm)) cpSync(wasm, join(DIST, `filters/${feature}.wasm`));
}
