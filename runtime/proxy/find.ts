import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { fetchEnvoy } from './fetch.ts';
import type { Progress } from './progress.ts';
import { checkVersion } from './version.ts';

export interface EnvoyBinary {
  readonly path: string;
  readonly version: string;
  /** Who named it. */
  readonly source: 'PORTOLAN_ENVOY' | 'PATH' | 'cache';
}

export interface FindOptions {
  /** `process.env` unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly progress?: Progress;
}

/**
 * The Envoy to run: PORTOLAN_ENVOY, else `envoy` on PATH, else the user's cache, filled now if it is empty. A named
 * Envoy that is unfit is an error; it is never silently passed over for another.
 */
export async function findEnvoy(options: FindOptions = {}): Promise<EnvoyBinary> {
  const env = options.env ?? process.env;
  const named = env['PORTOLAN_ENVOY'];
  if (named) return { path: named, version: await checkVersion(named, 'PORTOLAN_ENVOY'), source: 'PORTOLAN_ENVOY' };
  const installed = await onPath('envoy', env['PATH'] ?? '');
  if (installed) return { path: installed, version: await checkVersion(installed, 'PATH'), source: 'PATH' };
  const path = await fetchEnvoy({ cache: cacheFolder(env), ...(options.progress && { progress: options.progress }) });
  return { path, version: await checkVersion(path, "Portolan's cache"), source: 'cache' };
}

/** `$XDG_CACHE_HOME/portolan`, else `~/.cache/portolan`. A relative XDG_CACHE_HOME is to be ignored, says its specification. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  const given = env['XDG_CACHE_HOME'];
  return join(given && isAbsolute(given) ? given : join(env['HOME'] ?? homedir(), '.cache'), 'portolan');
}

async function onPath(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const candidate = join(folder, name);
    const runnable = await access(candidate, constants.X_OK).then(
      async () => (await stat(candidate)).isFile(),
      () => false,
    );
    if (runnable) return candidate;
  }
  return undefined;
}
