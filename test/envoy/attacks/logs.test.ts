import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { exchange, get } from './exchange.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

describe('the access log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portolan-log-'));
  const file = join(folder, 'access.log');
  let world: AttackWorld<'web'>;
  beforeAll(async () => {
    world = await startAttackWorld(52, { web: {} }, { accessLog: file });
  });
  afterAll(async () => {
    await world?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const read = (): string => {
    try {
      return readFileSync(file, 'latin1');
    } catch {
      return '';
    }
  };

  it('E13 whatever a request says: one line of valid JSON for each, and no line of its own', async () => {
    const texts = [
      'plain',
      '"quoted"',
      '","response_code":"200',
      '\\',
      '\\n{"path":"/forged"}',
      'tab\tx',
      '\xff\xfe',
      '\xf0\x9f\x98\x80',
      '\xe2\x80\xa8{"path":"/forged"}',
      '%REQ(AUTHORIZATION)%',
      '\x1b[2J',
      '\x7f',
    ];
    let accepted = 0;
    for (const text of texts) {
      const lines = [`user-agent: ${text}`, `x-request-id: ${text}`, 'authorization: Bearer secret-token'];
      const { first } = await exchange(world.mesh, { to: world.at.web, bytes: get('/logged?' + accepted, lines) });
      if (first === 200) accepted++;
      else expect(first).toBe(400);
    }
    await exchange(world.mesh, { to: world.at.web, bytes: get('/logged?"quoted"', [], 'ho"st') });
    await vi.waitFor(() => expect(read().match(/\/logged/g)?.length).toBeGreaterThanOrEqual(accepted), 15_000);
    const lines = read().trimEnd().split('\n');
    for (const line of lines) {
      const parsed = JSON.parse(line) as Record<string, unknown>;
      expect(parsed.path === null || String(parsed.path).startsWith('/logged')).toBe(true);
    }
    expect(read()).not.toContain('secret-token');
    expect(accepted).toBeGreaterThan(6);
  });

  it('A21 E13 the path in the log is the one of the request, whatever x-envoy-original-path says', async () => {
    await exchange(world.mesh, { to: world.at.web, bytes: get('/honest', ['x-envoy-original-path: /forged']) });
    await vi.waitFor(() => expect(read()).toContain('/honest'), 15_000);
    expect(read()).not.toContain('"/forged"');
  });
});
