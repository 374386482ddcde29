import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policy } from '../mesh/manifests.ts';
import { exchange, get, openTunnel } from './exchange.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const TARGETS = {
  web: { policies: [['DENY', '[{to: [{operation: {paths: ["/ws/admin*", "/admin*"]}}]}]']] },
  later: {},
} as const;

const WEBSOCKET = ['upgrade: websocket', 'connection: upgrade', 'sec-websocket-version: 13', 'sec-websocket-key: eA=='];
const HIDDEN = 'GET /admin HTTP/1.1\r\nhost: web\r\nx-hidden: yes\r\n\r\n';

describe('upgrades', () => {
  let world: AttackWorld<keyof typeof TARGETS>;
  beforeAll(async () => {
    world = await startAttackWorld(44, TARGETS);
  });
  afterAll(() => world?.stop());

  it('A24 a path that is allowed is upgraded, and bytes go both ways', async () => {
    const bytes = [get('/ws/ok', WEBSOCKET), 100, 'ping'];
    const { first, text } = await exchange(world.mesh, { to: world.at.web, bytes, until: 'close', waitMs: 400 });
    expect(first).toBe(101);
    expect(text).toMatch(/\r\n\r\nping$/);
  });

  it.each(['/ws/admin', '//ws/admin', '/ws/admin;x', '/ws/x/../admin'])(
    'A24 %s is denied without a 101, and its application hears nothing',
    async (path) => {
      const before = world.backend.requests.length;
      const outcome = await exchange(world.mesh, { to: world.at.web, bytes: get(path, WEBSOCKET) + HIDDEN });
      expect(outcome.statuses.filter((status) => status !== 403)).toEqual([]);
      expect(outcome.first).toBe(403);
      expect(world.backend.requests.length).toBe(before);
    },
  );

  it('A24 a socket that is open outlives a policy that forbids it; the next one does not come about', async () => {
    const tunnel = await openTunnel(world.mesh, { to: world.at.later });
    let text = '';
    tunnel.on('data', (chunk: Buffer) => (text += chunk.toString('latin1'))).on('error', () => undefined);
    tunnel.write(get('/ws/open', WEBSOCKET));
    await wait(150);
    expect(text).toContain('101');
    await world.mesh.apply('later.yaml', policy('nobody', 'later', 'DENY', '[{to: [{operation: {paths: ["/ws*"]}}]}]'));
    expect((await exchange(world.mesh, { to: world.at.later, bytes: get('/ws/open', WEBSOCKET) })).first).toBe(403);
    tunnel.write('still here');
    await wait(150);
    expect(text).toMatch(/still here$/);
    tunnel.destroy();
  });

  it.each([
    ['h2c', ['upgrade: h2c', 'connection: upgrade, http2-settings', 'http2-settings: AAMAAABkAAQAoAAAAAIAAAAA']],
    ['anything else', ['upgrade: tls/1.0', 'connection: upgrade']],
    ['websocket and h2c', ['upgrade: websocket, h2c', 'connection: upgrade']],
  ])('A23 an upgrade to %s is never passed on', async (_name, lines) => {
    const before = world.backend.requests.length;
    const { statuses } = await exchange(world.mesh, { to: world.at.web, bytes: get('/up', lines) });
    expect(statuses).not.toContain(101);
    for (const { headers } of world.backend.requests.slice(before)) {
      expect(headers.filter(([name]) => ['upgrade', 'http2-settings', 'connection'].includes(name))).toEqual([]);
    }
  });

  it.each([
    ['with a refused upgrade', get('/ws/refuse', WEBSOCKET) + HIDDEN],
    ['behind a line end', `${get('/ws/refuse', WEBSOCKET)}\r\n\r\n${HIDDEN}`],
    ['as a body', get('/ws/refuse', [...WEBSOCKET, `content-length: ${HIDDEN.length}`]) + HIDDEN],
    ['behind a CONNECT', `CONNECT web:80 HTTP/1.1\r\nhost: web:80\r\n\r\n${HIDDEN}`],
  ])('E1 bytes that come early %s are never a request of their own', async (_name, bytes) => {
    for (let attempt = 0; attempt < 5; attempt++) {
      const { statuses } = await exchange(world.mesh, { to: world.at.web, bytes, until: 2, waitMs: 80 });
      expect(statuses).not.toContain(200);
      // The next user of the pooled connection to the application gets his own answers.
      const others = Array.from({ length: 10 }, (_, index) => `${attempt}-${index}`);
      const answers = await Promise.all(
        others.map(async (id) => {
          const call = { to: world.at.web, as: 'default/bob', path: `/own/${id}`, headers: { 'x-id': id } };
          return JSON.parse((await world.mesh.call(call)).body.toString()) as unknown;
        }),
      );
      expect(answers).toEqual(others.map((id) => ({ path: `/own/${id}`, id })));
    }
    expect(world.backend.requests.filter(({ path }) => path.startsWith('/admin'))).toEqual([]);
    expect(world.backend.bytes()).not.toContain('x-hidden');
  });
});
