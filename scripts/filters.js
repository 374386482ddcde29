// Compiles every filter, debug and release, to build/filters/<feature>.<build>.wasm.
// One asc target each: the options of both builds are in asconfig.json.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { main as asc } from 'assemblyscript/asc';
import { FEATURES } from './features.js';

const ROOT = join(import.meta.dirname, '..');
const BUILDS = ['debug', 'release'];

process.chdir(ROOT);
mkdirSync('build/filters', { recursive: true });

const wanted = process.argv.slice(2);
for (const feature of wanted.length > 0 ? wanted : FEATURES) {
  for (const build of BUILDS) {
    const out = `build/filters/${feature}.${build}.wasm`;
    const { error, stderr } = await asc([
      `filters/${feature}/index.ts`,
      '--config',
      'asconfig.json',
      '--target',
      build,
      '--outFile',
      out,
    ]);
    const messages = stderr.toString();
    if (error) {
      console.error(`filters: ${feature} (${build}) does not compile\n${messages}`);
      process.exit(1);
    }
    if (messages) process.stderr.write(messages);
  }
}
