import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Feature } from '#envoy/names.ts';

/** Where the filters' WebAssembly is: beside the bundle, or built in the sources. */
export function moduleFiles(): Readonly<Record<Feature, string>> {
  return {
    authz: moduleFile('authz'),
    routing: moduleFile('routing'),
    fault: moduleFile('fault'),
    metrics: moduleFile('metrics'),
  };
}

export function moduleFile(feature: Feature): string {
  const here = import.meta.dirname;
  // The bundle's chunks are one folder below its entry; the sources are two below the project.
  const candidates = [
    join(here, `filters/${feature}.wasm`),
    join(here, `../filters/${feature}.wasm`),
    join(here, `../../build/filters/${feature}.release.wasm`),
  ];
  const found = candidates.find((path) => existsSync(path));
  if (found === undefined) {
    throw new Error(
      `the filter ${feature} is missing\n  expected  one of ${candidates.join(', ')}\n  came      none of them\n  next      npm run build`,
    );
  }
  return found;
}
