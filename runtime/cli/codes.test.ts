import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { codes } from '#model/code.ts';

const runtime = join(import.meta.dirname, '..');

/** Every code that the sources of the runtime write into a finding or a text. */
function codesInUse(): ReadonlySet<string> {
  const files = readdirSync(runtime, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts') && !/\.test\.ts$|^gen\/|model\/code\.ts$/.test(file));
  const found = sources.flatMap((file) => readFileSync(join(runtime, file), 'utf8').match(/PTL\d{4}/g) ?? []);
  return new Set(found);
}

it('every code that a finding can carry is explained by help', () => {
  const unexplained = [...codesInUse()].filter((code) => !Object.hasOwn(codes, code));
  expect(unexplained.sort()).toEqual([]);
});

it('codes are in order, so that a new one has an obvious place', () => {
  const listed = Object.keys(codes);
  expect(listed).toEqual(listed.toSorted());
});
