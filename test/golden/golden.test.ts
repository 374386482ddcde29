import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cases, folder, inputOf, outputOf } from './case.ts';

/** `npm run golden` writes what is missing; otherwise a missing file is an error, not an occasion to write it. */
const updating = (): boolean => {
  const state = expect.getState().snapshotState as unknown as { readonly _updateSnapshot: string };
  return state._updateSnapshot === 'all';
};

describe.each(cases)('%s', (name) => {
  const output = outputOf(inputOf(name));

  test('has its files and no other', () => {
    const found = readdirSync(join(folder, name)).filter((file) => file !== 'input.yaml' && file !== 'input.path');
    const stray = found.filter((file) => !output.has(file));
    const missing = updating() ? [] : [...output.keys()].filter((file) => !found.includes(file));
    expect({ stray, missing }, 'run npm run golden, and remove stray files').toEqual({ stray: [], missing: [] });
  });

  test.each([...output.keys()])('%s is as it was', async (file) => {
    const path = join(folder, name, file);
    expect(updating() || existsSync(path), `${file} is missing: run npm run golden`).toBe(true);
    await expect(output.get(file)).toMatchFileSnapshot(path);
  });

  test('is the same however often and in whatever state it is translated', () => {
    expect(outputOf(inputOf(name))).toEqual(output);
  });
});
