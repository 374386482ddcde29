import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileReader, readFiles } from './files.ts';

let folder: string;
const at = (...names: readonly string[]): string => join(folder, ...names);
const write = (name: string, text: string): void => writeFileSync(at(name), text);
const names = (files: ReadonlyMap<string, string>): readonly string[] =>
  [...files.keys()].map((path) => path.replace(folder, ''));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('reads files by name, folders by what is in them, and standard input', () => {
  mkdirSync(at('mesh', 'deep'), { recursive: true });
  mkdirSync(at('mesh', '.git'));
  for (const name of [
    'mesh/b.yml',
    'mesh/a.yaml',
    'mesh/deep/c.json',
    'mesh/readme.md',
    'mesh/.d.yaml',
    'mesh/.git/e.yaml',
  ])
    write(name, name);
  write('odd.txt', 'x');
  const { files, unreadable } = readFiles([at('mesh'), at('odd.txt'), '-', at('odd.txt')], 'typed');
  expect(names(files)).toEqual(['-', '/mesh/a.yaml', '/mesh/b.yml', '/mesh/deep/c.json', '/odd.txt']);
  expect(files.get('-')).toBe('typed');
  expect(unreadable.size).toBe(0);
});

it('names what is missing, too large or no file', () => {
  write('large.yaml', 'x'.repeat(8 * 1024 * 1024 + 1));
  const { files, unreadable } = readFiles([at('none'), at('large.yaml'), '/dev/null']);
  expect(files.size).toBe(0);
  expect([...unreadable.values()]).toEqual([
    'there is no such file or folder',
    'it has 8388609 bytes; at most 8388608 are read',
    'it is neither a file nor a folder',
  ]);
});

it('names links that lead to themselves', () => {
  symlinkSync('loop.yaml', at('loop.yaml'));
  expect([...readFiles([folder]).unreadable]).toEqual([[at('loop.yaml'), 'its links lead in a circle']]);
});

it('follows links, also those of a mounted ConfigMap, and never in circles', () => {
  mkdirSync(at('..2025'));
  write('..2025/policy.yaml', 'old');
  symlinkSync('..2025', at('..data'));
  symlinkSync('..data/policy.yaml', at('policy.yaml'));
  symlinkSync('.', at('again'));
  symlinkSync('nowhere', at('broken.yaml'));
  const { files, unreadable } = readFiles([folder]);
  expect([...files].map(([path, text]) => [path.replace(folder, ''), text])).toEqual([['/policy.yaml', 'old']]);
  expect(unreadable.size).toBe(0);
});

it('sees an edit that leaves size and time as they were', () => {
  write('a.yaml', 'one');
  const reader = new FileReader([folder]);
  expect(reader.read().files.get(at('a.yaml'))).toBe('one');
  write('a.yaml', 'two');
  expect(reader.read().files.get(at('a.yaml'))).toBe('two');
});

it('reads again what was edited, and nothing else', () => {
  write('a.yaml', '1');
  write('b.yaml', '1');
  const reader = new FileReader([folder]);
  const before = reader.read();
  const again = (...names: readonly string[]) =>
    reader.reread(
      names.map((name) => at(name)),
      before,
    );
  expect(again('a.yaml', 'gone.tmp', '.hidden')).toBe(before);
  write('a.yaml', '2');
  write('b.yaml', '2');
  const edited = again('a.yaml');
  expect([...(edited?.files.values() ?? [])]).toEqual(['2', '1']);
  expect([...before.files.values()]).toEqual(['1', '1']);
});

it('leaves to a whole reading what came, went, or is reached by a link', () => {
  write('a.yaml', '1');
  mkdirSync(at('deep'));
  const reader = new FileReader([folder]);
  const before = reader.read();
  const whole = (name: string): boolean => reader.reread([at(name)], before) === undefined;
  expect(whole('deep')).toBe(true);
  write('new.yaml', '1');
  expect(whole('new.yaml')).toBe(true);
  write('notes.txt', 'x');
  expect(whole('notes.txt')).toBe(false);
  mkdirSync(at('folder'));
  expect(whole('folder')).toBe(true);
  rmSync(at('a.yaml'));
  expect(whole('a.yaml')).toBe(true);
  symlinkSync('new.yaml', at('link.yaml'));
  reader.read();
  expect(whole('new.yaml')).toBe(true);
});
