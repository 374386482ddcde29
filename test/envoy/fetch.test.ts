import { spawnSync } from 'node:child_process';
import { appendFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchEnvoy } from '#proxy/fetch.ts';
import { progressOn } from '#proxy/progress.ts';

describe('fetching Envoy', () => {
  let cache: string;
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), 'cache-'));
  });
  afterAll(() => rm(cache, { recursive: true }));

  it('is done once by several at a time, and shows how far it is', { timeout: 300_000 }, async () => {
    const written: string[] = [];
    const terminal = { isTTY: true, write: (text: string) => written.push(text) > 0 } as const;
    const paths = await Promise.all([0, 1, 2].map(() => fetchEnvoy({ cache, progress: progressOn(terminal) })));
    expect(new Set(paths).size).toBe(1);
    expect(spawnSync(paths[0] ?? '', ['--version']).stdout.toString()).toContain('/1.40.0/');
    expect((await stat(paths[0] ?? '')).mode & 0o111).not.toBe(0);
    const output = written.join('');
    expect(output).toMatch(/\[#+\.*\] +\d+ % unpacking Envoy 1\.40\.0/);
    expect(output.match(/fetched and verified/g)).toHaveLength(1);
    expect(
      (await readdir(join(cache, 'envoy'))).filter((name) => name.startsWith('.') || name.endsWith('.lock')),
    ).toEqual([]);
  });

  it('is not done again, unless the binary was changed', { timeout: 300_000 }, async () => {
    const path = await fetchEnvoy({ cache, pythons: [] });
    const began = performance.now();
    await fetchEnvoy({ cache, pythons: [] });
    expect(performance.now() - began).toBeLessThan(50);
    await appendFile(path, 'x');
    // It is not run, and without Python it cannot be had again.
    await expect(fetchEnvoy({ cache, pythons: ['/nonexistent/python3'] })).rejects.toThrow('cannot be fetched');
    expect(spawnSync(await fetchEnvoy({ cache }), ['--version']).status).toBe(0);
  });
});
