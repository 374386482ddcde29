// `npm run bench`: builds what is stale, bundles the benchmark and runs it. `npm run bench -- --help` says how.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { FEATURES } from './features.js';

const ROOT = join(import.meta.dirname, '..');
const OUT = join(ROOT, 'build/bench/bin');
const MODULES = [...FEATURES, 'empty', 'bare'];

const script = (name, words = []) => {
  const { status } = spawnSync(process.execPath, [join(ROOT, `scripts/${name}.js`), ...words], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

/** When the newest file of a folder was written. */
const newest = (folder) =>
  Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs),
  );

script('gen');
const sources = newest(join(ROOT, 'filters'));
const stale = MODULES.filter((feature) => {
  const module = join(ROOT, `build/filters/${feature}.release.wasm`);
  return !existsSync(module) || statSync(module).mtimeMs < sources;
});
if (stale.length > 0) script('filters', stale);

rmSync(OUT, { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: { main: 'test/bench/main.ts', 'node-load': 'test/bench/data-plane/node-load.ts' },
  outdir: OUT,
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

const bench = spawn(process.execPath, ['--enable-source-maps', join(OUT, 'main.js'), ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
// Ctrl-C reaches the benchmark too, which ends what it started; we wait for it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => bench.kill('SIGTERM'));
bench.on('exit', (status) => process.exit(status ?? 1));
