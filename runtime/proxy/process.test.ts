import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withLock } from './cache-lock.ts';
import { isAlive, isAliveSync, startTime } from './process.ts';
import { progressOn } from './progress.ts';
import { envoyFiles } from './state.ts';

describe('a process', () => {
  it('is told apart from an earlier one with its id, and is gone when it is gone', async () => {
    const child = spawn('sleep', ['60']);
    const pid = child.pid ?? 0;
    const started = await startTime(pid);
    expect(await isAlive(pid, started)).toBe(true);
    expect(isAliveSync(pid)).toBe(true);
    expect(await isAlive(pid, `${started}0`)).toBe(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await isAlive(pid, started)).toBe(false);
    expect(isAliveSync(pid)).toBe(false);
  });

  it('does not count while its parent has not asked how it ended', async () => {
    // The shell becomes a program that never waits for its child.
    const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(await isAlive(pid, undefined)).toBe(false);
    expect(isAliveSync(pid)).toBe(false);
    parent.kill('SIGKILL');
  });
});

describe('the lock of the cache', () => {
  it('lets one work at a time, and is broken when its holder is gone', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lock-'));
    const path = join(folder, 'lock');
    await writeFile(path, JSON.stringify({ pid: process.pid, started: '1' }));
    let inside = 0;
    let most = 0;
    const task = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside--;
    };
    await Promise.all(Array.from({ length: 5 }, () => withLock(path, task, { pollMs: 5 })));
    expect(most).toBe(1);
    await expect(withLock(path, () => Promise.reject(new Error('task')))).rejects.toThrow('task');
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

describe('progress', () => {
  it('is one line on a terminal and a line a step elsewhere', () => {
    const show = (isTTY: boolean): string => {
      let text = '';
      const progress = progressOn({ isTTY, write: (part: string) => Boolean((text += part)) });
      progress.step('fetching', 0.1);
      progress.step('fetching', 0.5);
      progress.step('unpacking', 1);
      progress.end('done');
      return text;
    };
    expect(show(false)).toBe('fetching\nunpacking\ndone\n');
    expect(show(true)).toBe(
      '\r[##......................]  10 % fetching\x1b[K\r[############............]  50 % fetching\x1b[K' +
        '\r[########################] 100 % unpacking\x1b[K\rdone\x1b[K\n',
    );
  });
});

describe('the files of an Envoy', () => {
  it('do not lie deeper than a Unix socket can', () => {
    expect(() => envoyFiles(`/${'x'.repeat(120)}`)).toThrow('the path of the state folder is too long');
    expect(envoyFiles('/run/portolan').adminSocket).toBe('/run/portolan/admin.sock');
  });
});
