import { appendFile, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followLog } from './log-file.ts';
import { parseLogLine } from './log-line.ts';

describe('a line of the log', () => {
  it('has time, level, logger and message', () => {
    expect(parseLogLine('2026-11-21T09:42:57.334+00:00\tcritical\tmain\terror\tinitializing')).toEqual({
      time: '2026-11-21T09:42:57.334+00:00',
      level: 'critical',
      logger: 'main',
      message: 'error\tinitializing',
    });
  });

  it('is kept whole when it has another form', () => {
    expect(parseLogLine('{"status":403}')).toEqual({ level: 'info', logger: 'output', message: '{"status":403}' });
  });
});

describe('following a log', () => {
  let folder: string;
  let path: string;
  const lines: string[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'log-'));
    path = join(folder, 'log');
    lines.length = 0;
    await writeFile(path, 'before\n');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('gives each line once, whole, and the last one without its newline', async () => {
    const log = await followLog(path, { from: 'start', onLine: (line) => lines.push(line), pollMs: 10 });
    await appendFile(path, 'ha');
    await vi.waitFor(() => expect(lines).toEqual(['before']));
    await appendFile(path, 'lf\ncafé\n');
    await vi.waitFor(() => expect(lines).toEqual(['before', 'half', 'café']));
    await appendFile(path, 'last');
    await log.close();
    expect(lines).toEqual(['before', 'half', 'café', 'last']);
  });

  it('begins at the end for an Envoy that was adopted, and never lets the file grow without end', async () => {
    const log = await followLog(path, { from: 'end', onLine: (line) => lines.push(line), pollMs: 10, maxBytes: 1_000 });
    for (let i = 0; i < 40; i++) {
      await appendFile(path, `${'x'.repeat(95)} ${i}\n`);
      // Line by line: what is written in the moment of emptying is lost, as the function says.
      await vi.waitFor(() => expect(lines).toHaveLength(i + 1), { interval: 5 });
    }
    await log.close();
    expect(lines.map((line) => line.slice(96))).toEqual(Array.from({ length: 40 }, (_, i) => String(i)));
    expect((await stat(path)).size).toBeLessThan(3_000);
  });
});
