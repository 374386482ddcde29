import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import type { Build } from './load.ts';

/** Compiles an AssemblyScript file as `npm run build:filters` compiles a filter. Throws with what asc said. */
export async function compileFilter(source: string, build: Build): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-filter-'));
  try {
    const out = join(folder, 'filter.wasm');
    const options = ['--config', 'asconfig.json', '--target', build, '--outFile', out];
    const { error, stderr } = await asc.main([source, ...options]);
    if (error) throw new Error(`${source} does not compile: ${stderr.toString()}`);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
