import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main as compile } from 'assemblyscript/asc';

/** Compiles a filter of `fixtures/`, such as `parity`, and gives its bytes. Throws with what asc said. */
export async function compileFixture(name: string): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-fixture-'));
  try {
    const out = join(folder, `${name}.wasm`);
    const fixtures = 'test/filters/fixtures';
    const { error, stderr } = await compile([
      `${fixtures}/${name}.ts`,
      '--config',
      `${fixtures}/asconfig.json`,
      '--outFile',
      out,
    ]);
    if (error) throw new Error(`fixture ${name} does not compile: ${stderr.toString()}`);
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
