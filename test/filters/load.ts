import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');

export type Feature = 'authz' | 'routing' | 'fault' | 'metrics';
export type Build = 'debug' | 'release';

/** Every filter test runs for both: `describe.each(BUILDS)('authz (%s)', (build) => …)`. */
export const BUILDS: readonly Build[] = ['debug', 'release'];

/** The bytes of a compiled filter; compiles it first when nothing has. */
export function loadFilter(feature: Feature, build: Build): Uint8Array {
  const path = join(ROOT, 'build', 'filters', `${feature}.${build}.wasm`);
  if (!existsSync(path)) {
    execFileSync(process.execPath, [join(ROOT, 'scripts', 'filters.js'), feature], { cwd: ROOT, stdio: 'pipe' });
  }
  return readFileSync(path);
}
