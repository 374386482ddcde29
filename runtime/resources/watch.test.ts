import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FileTexts } from './files.ts';
import { type FileWatch, watch, type WatchOptions } from './watch.ts';

let folder: string;
let watching: FileWatch | undefined;
let calls: FileTexts[];
const at = (...names: readonly string[]): string => join(folder, ...names);
const write = (name: string, text: string): void => writeFileSync(at(name), text);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-watch-'));
  calls = [];
});
afterEach(() => {
  watching?.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(paths: readonly string[], options?: WatchOptions): FileWatch {
  watching = watch(paths, (files) => calls.push(files), options);
  return watching;
}

/** Milliseconds until a file has this text (undefined: is gone). */
async function seen(name: string, text: string | undefined): Promise<number> {
  const started = performance.now();
  await vi.waitFor(() => expect(calls.at(-1)?.files.get(at(name))).toBe(text), { timeout: 5000, interval: 5 });
  return performance.now() - started;
}

describe('a watched folder', () => {
  it('tells edits, new files, new folders and what is gone', async () => {
    write('a.yaml', '1');
    expect(start([folder]).initial.files.get(at('a.yaml'))).toBe('1');
    write('a.yaml', '2');
    expect(await seen('a.yaml', '2')).toBeLessThan(1000);
    mkdirSync(at('new', 'deep'), { recursive: true });
    write('new/deep/b.yaml', '3');
    await seen('new/deep/b.yaml', '3');
    write('new/deep/b.yaml', '4');
    await seen('new/deep/b.yaml', '4');
    unlinkSync(at('a.yaml'));
    await seen('a.yaml', undefined);
    rmSync(at('new'), { recursive: true });
    await seen('new/deep/b.yaml', undefined);
    mkdirSync(at('new'));
    write('new/c.yaml', '5');
    await seen('new/c.yaml', '5');
  });

  it('tells the swap of the link by which a ConfigMap is mounted', async () => {
    for (const version of ['..1', '..2']) {
      mkdirSync(at(version));
      write(`${version}/policy.yaml`, version);
    }
    symlinkSync('..1', at('..data'));
    symlinkSync('..data/policy.yaml', at('policy.yaml'));
    expect(start([folder]).initial.files.get(at('policy.yaml'))).toBe('..1');
    symlinkSync('..2', at('..data_tmp'));
    renameSync(at('..data_tmp'), at('..data'));
    await seen('policy.yaml', '..2');
  });

  it('says nothing of files that are no resources, nor when nothing changed', async () => {
    write('a.yaml', '1');
    start([folder]);
    write('notes.txt', 'x');
    write('a.yaml', '1');
    await sleep(400);
    expect(calls).toEqual([]);
  });
});

it('tells an edit of one file of many, and what came meanwhile', async () => {
  for (const name of ['a.yaml', 'b.yaml', 'c.yaml']) write(name, '0');
  start([folder]);
  for (let i = 1; i <= 5; i++) {
    write('b.yaml.tmp', String(i));
    renameSync(at('b.yaml.tmp'), at('b.yaml'));
    await seen('b.yaml', String(i));
    write('a.yaml', String(i));
    write(`new-${i}.yaml`, String(i));
    await seen(`new-${i}.yaml`, String(i));
    expect(calls.at(-1)?.files.get(at('a.yaml'))).toBe(String(i));
  }
  rmSync(at('c.yaml'));
  await seen('c.yaml', undefined);
  expect(calls.at(-1)?.files.size).toBe(7);
});

describe('a watched file', () => {
  it('tells edits by renaming, again and again', async () => {
    write('a.yaml', '0');
    start([at('a.yaml')]);
    for (const text of ['1', '2', '3']) {
      write('a.yaml.tmp', text);
      renameSync(at('a.yaml.tmp'), at('a.yaml'));
      await seen('a.yaml', text);
    }
  });

  it('is told to be missing, and to be back', async () => {
    write('a.yaml', '0');
    start([at('a.yaml')]);
    unlinkSync(at('a.yaml'));
    await vi.waitFor(() => expect(calls.at(-1)?.unreadable.get(at('a.yaml'))).toBe('there is no such file or folder'));
    write('a.yaml', '1');
    await seen('a.yaml', '1');
    expect(calls.at(-1)?.unreadable.size).toBe(0);
  });

  it('that a link leads to elsewhere is watched there', async () => {
    mkdirSync(at('real'));
    mkdirSync(at('mesh'));
    write('real/a.yaml', '1');
    symlinkSync(at('real', 'a.yaml'), at('mesh', 'a.yaml'));
    start([at('mesh')]);
    write('real/a.yaml', '2');
    await seen('mesh/a.yaml', '2');
  });
});

it('joins a burst, and does not wait for the end of a storm', async () => {
  write('a.yaml', '0');
  start([folder]);
  for (let i = 1; i <= 200; i++) write('a.yaml', String(i));
  await seen('a.yaml', '200');
  expect(calls.length).toBeLessThanOrEqual(3);
  calls = [];
  const end = performance.now() + 800;
  for (let i = 201; performance.now() < end; i++) {
    write('a.yaml', String(i));
    await sleep(10);
  }
  expect(calls.length).toBeGreaterThanOrEqual(2);
});

it('says nothing once it is closed', async () => {
  write('a.yaml', '0');
  start([folder]).close();
  write('a.yaml', '1');
  await sleep(200);
  expect(calls).toEqual([]);
});
