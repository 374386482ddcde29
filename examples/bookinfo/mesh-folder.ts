import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Folder of Bookinfo's resources, from the sources as from the bundle. */
export function meshFolder(): string {
  const candidates = ['mesh', '../examples/bookinfo/mesh', '../../examples/bookinfo/mesh'].map((path) =>
    join(import.meta.dirname, path),
  );
  const found = candidates.find((path) => existsSync(join(path, 'waypoint.yaml')));
  if (found === undefined)
    throw new Error(`Bookinfo's resources are missing: expected one of ${candidates.join(', ')}`);
  return found;
}
