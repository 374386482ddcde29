import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { GuidedError } from './guidance.ts';
import { ENVOY_VERSION, OLDEST_ENVOY } from './pinned.ts';

/** `1.40.0` from what `envoy --version` prints: `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`. */
export function parseVersion(text: string): string | undefined {
  return /version: \w+\/(\d+\.\d+\.\d+)[^/]*\//.exec(text)?.[1];
}

export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  for (const [index, part] of (a ?? []).entries()) {
    const other = b?.[index] ?? 0;
    if (part !== other) return part < other;
  }
  return false;
}

/** Runs `envoy --version`. Throws, naming `source`, unless it is an Envoy that is new enough. */
export async function checkVersion(path: string, source: string): Promise<string> {
  const advice = {
    expected: `Envoy ${OLDEST_ENVOY} or later: older ones lack envoy.hashable_string, which keeps callers' identities apart`,
    next: `install a newer Envoy, or unset what names this one: Portolan then fetches ${ENVOY_VERSION} by itself`,
  };
  const what = `the Envoy of ${source} cannot be used: ${path}`;
  let printed: string;
  try {
    printed = (await promisify(execFile)(path, ['--version'], { timeout: 20_000 })).stdout;
  } catch (error) {
    throw new GuidedError(what, {
      ...advice,
      came: `--version failed: ${(error as Error).message.split('\n')[0] ?? ''}`,
    });
  }
  const version = parseVersion(printed);
  if (version === undefined)
    throw new GuidedError(what, { ...advice, came: `a program that says "${printed.trim().slice(0, 100)}"` });
  if (isOlder(version, OLDEST_ENVOY)) throw new GuidedError(what, { ...advice, came: `Envoy ${version}` });
  return version;
}
