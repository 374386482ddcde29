import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const ROOT = join(import.meta.dirname, '..');

/** The command line as one runs it, from the sources as they are now: dist/ may be older. */
export interface Bundle {
  /** To be started with node. */
  readonly path: string;
  remove(): void;
}

/** Bundles as scripts/bundle.js does, into a folder of build/ of its own: filters and examples are found from there. */
export async function bundle(): Promise<Bundle> {
  const outdir = join(ROOT, `build/bundle-${process.pid}-${Math.random().toString(36).slice(2, 8)}`);
  await build({
    absWorkingDir: ROOT,
    entryPoints: { portolan: 'runtime/main.ts' },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return { path: join(outdir, 'portolan.js'), remove: () => rmSync(outdir, { recursive: true, force: true }) };
}
