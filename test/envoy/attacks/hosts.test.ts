import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, get } from './exchange.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const TARGETS = {
  deny: { policies: [['DENY', '[{to: [{operation: {hosts: ["example.com"]}}]}]']] },
  suffix: { policies: [['DENY', '[{to: [{operation: {hosts: ["*.com"]}}]}]']] },
  except: { policies: [['ALLOW', '[{to: [{operation: {notHosts: ["example.com"]}}]}]']] },
  allow: { policies: [['ALLOW', '[{to: [{operation: {hosts: ["example.com", "web:8080"]}}]}]']] },
  only: { policies: [['DENY', '[{to: [{operation: {notHosts: ["example.com"]}}]}]']] },
  evil: { policies: [['DENY', '[{to: [{operation: {hosts: ["evil"]}}]}]']] },
  open: {},
} as const;

describe('hosts', () => {
  let world: AttackWorld<keyof typeof TARGETS>;
  beforeAll(async () => {
    world = await startAttackWorld(41, TARGETS);
  });
  afterAll(() => world?.stop());

  const heardHosts = (from: number): readonly (string | undefined)[] =>
    world.backend.requests.slice(from).map(({ headers }) => headers.find(([name]) => name === 'host')?.[1]);

  async function statusOf(target: keyof typeof TARGETS, bytes: string, host?: string): Promise<number | string> {
    const before = world.backend.requests.length;
    const { first } = await exchange(world.mesh, { to: world.at[target], bytes });
    expect(heardHosts(before)).toEqual(first === 200 ? [host ?? expect.any(String)] : []);
    return first;
  }

  it.each([
    'example.com',
    'Example.COM',
    'EXAMPLE.com.',
    'example.com..',
    'example.com:80',
    'example.com:',
    'example.com.:80',
    'EXAMPLE.com.:080',
    'example.com..:80',
  ])('A5 %s is example.com for every policy that refuses', async (host) => {
    for (const target of ['deny', 'suffix', 'except'] as const) {
      expect([target, await statusOf(target, get('/', [], host))]).toEqual([target, 403]);
    }
  });

  it.each([
    ['example.com', 200],
    ['Example.COM', 200],
    ['example.com.', 200],
    ['example.com:80', 403],
    ['web:8080', 200],
    ['web', 403],
    ['web:80', 403],
  ])('A5 %s under a policy that grants: as it was sent', async (host, status) => {
    expect(await statusOf('allow', get('/', [], host))).toBe(status);
  });

  it.each([
    ['example.com', 200],
    ['example.com:80', 403],
    ['other', 403],
  ])('A5 %s under a policy that denies all hosts but one', async (host, status) => {
    expect(await statusOf('only', get('/', [], host))).toBe(status);
  });

  it.each([
    ['two Host lines', 'GET / HTTP/1.1\r\nhost: good\r\nhost: evil\r\n\r\n'],
    ['two Host lines that are the same', 'GET / HTTP/1.1\r\nhost: good\r\nhost: good\r\n\r\n'],
    ['two hosts on one line', get('/', [], 'good,evil')],
    ['user information', get('/', [], 'good@evil')],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n'],
    ['a Host named by Connection', 'GET / HTTP/1.1\r\nhost: good\r\nconnection: host\r\n\r\n'],
  ])('A7 %s is refused', async (_name, bytes) => {
    for (const target of ['open', 'evil'] as const) expect(await statusOf(target, bytes)).toBe(400);
  });

  it('A7 an absolute URI and Host: one of them is judged and heard, the same one', async () => {
    const hidden = 'GET http://evil/x HTTP/1.1\r\nhost: good\r\n\r\n';
    expect(await statusOf('evil', hidden)).toBe(403);
    expect(await statusOf('open', hidden, 'evil')).toBe(200);
    expect(await statusOf('evil', 'GET http://good/x HTTP/1.1\r\nhost: evil\r\n\r\n', 'good')).toBe(200);
    expect(await statusOf('evil', 'GET http://good@evil/x HTTP/1.1\r\nhost: good\r\n\r\n')).toBe(403);
  });

  it('E15 E19 hosts that are long or odd break nothing', async () => {
    const long = 'x'.repeat(300);
    expect(await statusOf('open', get('/', [], long), long)).toBe(200);
    for (const host of ['[fe80::1%25eth0]', '[::1]:80', '[', ']', '::', 'a\\b']) {
      const { first } = await exchange(world.mesh, { to: world.at.deny, bytes: get('/', [], host) });
      expect([200, 400, 403]).toContain(first);
    }
    expect(await statusOf('open', get('/after'))).toBe(200);
  });
});
