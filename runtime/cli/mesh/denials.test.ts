import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { denialOf, followDenials } from './denials.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-denials-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const line = (id: string, more: object = {}): string =>
  `${JSON.stringify({ request_id: id, time: '2026-01-02T03:04:05.000Z', principal: null, status: 403, details: 'd', duration_ms: 2, ...more })}\n`;

it('finds denials by id and the latest, in a file of its owner alone', async () => {
  const denials = await followDenials(folder, 'app/wp');
  await appendFile(denials.path, `${line('a')}${line('b')}not JSON\n${line('a', { status: 403, path: '/x' })}`);
  await vi.waitFor(() => expect(denials.find({ last: 10 })).toHaveLength(3));
  expect(denials.find({ requestId: 'a' }).map(({ path }) => path)).toEqual(['/x', '']);
  expect(denials.find({ last: 1 }).map(({ path }) => path)).toEqual(['/x']);
  expect(((await stat(denials.path)).mode & 0o777).toString(8)).toBe('600');
  await denials.close();
  // A later run knows what an earlier one saw.
  const again = await followDenials(folder, 'app/wp');
  await vi.waitFor(() => expect(again.find({ requestId: 'b' })).toHaveLength(1));
  await again.close();
});

it('knows a value that was cut from one that was absent', () => {
  const denial = denialOf(line('a', { 'header x-a': 'v', 'header x-b': null, 'header x-c': 'c'.repeat(64) }), 'app/wp');
  expect(denial?.headers).toEqual([['x-a', 'v']]);
  expect(denial?.kept).toEqual(['x-a', 'x-b']);
});
