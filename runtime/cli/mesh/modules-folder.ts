import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Feature } from '#envoy/names.ts';

/**
 * Puts the filters where Envoy reads them, each under the digest of its content: an Envoy that runs on keeps finding
 * the module that it was configured with after another build was installed, and equal modules change no configuration.
 */
export async function installModules(
  folder: string,
  files: Readonly<Record<Feature, string>>,
): Promise<Readonly<Record<Feature, string>>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const install = async (feature: Feature): Promise<string> => {
    const module = await readFile(files[feature]);
    const digest = createHash('sha256').update(module).digest('hex').slice(0, 16);
    const path = join(folder, `${feature}-${digest}.wasm`);
    const present = await readFile(path).catch(() => undefined);
    if (!present?.equals(module)) {
      await writeFile(`${path}.${process.pid}`, module, { mode: 0o600 });
      await rename(`${path}.${process.pid}`, path);
    }
    return path;
  };
  const [authz, routing, fault, metrics] = await Promise.all([
    install('authz'),
    install('routing'),
    install('fault'),
    install('metrics'),
  ]);
  return { authz, routing, fault, metrics };
}
