import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, get } from './exchange.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const TARGETS = {
  open: {},
  get: { policies: [['ALLOW', '[{to: [{operation: {methods: [GET]}}]}]']] },
  delete: { policies: [['DENY', '[{to: [{operation: {methods: [DELETE]}}]}]']] },
  except: { policies: [['ALLOW', '[{to: [{operation: {notPaths: ["/admin"]}}]}]']] },
  trace: { policies: [['ALLOW', '[{to: [{operation: {methods: [TRACE, CONNECT]}}]}]']] },
} as const;

describe('methods', () => {
  let world: AttackWorld<keyof typeof TARGETS>;
  beforeAll(async () => {
    world = await startAttackWorld(46, TARGETS);
  });
  afterAll(() => world?.stop());

  const methodsSince = (count: number): readonly string[] =>
    world.backend.requests.slice(count).map((one) => one.method);

  it.each(['x-http-method-override', 'x-http-method', 'x-method-override', '_method'])(
    'A26 %s changes no verdict',
    async (name) => {
      const before = world.backend.requests.length;
      const outcomes = [
        await exchange(world.mesh, { to: world.at.get, bytes: get('/', [`${name}: DELETE`]) }),
        await exchange(world.mesh, {
          to: world.at.get,
          bytes: `DELETE / HTTP/1.1\r\nhost: web\r\n${name}: GET\r\n\r\n`,
        }),
      ];
      const statuses = outcomes.map(({ first }) => first);
      // With an underscore the header itself is refused.
      expect(statuses).toEqual(name.startsWith('_') ? [400, 400] : [200, 403]);
      expect(methodsSince(before)).toEqual(name.startsWith('_') ? [] : ['GET']);
    },
  );

  it.each(['open', 'trace', 'delete'] as const)(
    'A26 TRACE is denied, whatever a policy allows (%s)',
    async (target) => {
      const before = world.backend.requests.length;
      const bytes = 'TRACE / HTTP/1.1\r\nhost: web\r\ncookie: secret=1\r\n\r\n';
      const { first, text } = await exchange(world.mesh, { to: world.at[target], bytes });
      expect(first).toBe(403);
      expect(text).not.toContain('secret');
      expect(methodsSince(before)).toEqual([]);
    },
  );

  it.each(Object.keys(TARGETS) as (keyof typeof TARGETS)[])(
    'A11 A26 E2 CONNECT in the tunnel is refused, and has no path that a policy could miss (%s)',
    async (target) => {
      const before = world.backend.connections();
      for (const authority of ['web:80', '127.0.46.1:8080', '127.0.0.1:15008', 'h:0']) {
        const bytes = `CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`;
        const { first } = await exchange(world.mesh, { to: world.at[target], bytes });
        expect([400, 403, 404]).toContain(first);
      }
      expect(world.backend.connections()).toBe(before);
    },
  );

  it.each(['DELETE', 'delete', 'Delete', 'DELETE '])('A26 %j is DELETE or nothing', async (method) => {
    const before = world.backend.requests.length;
    const { first } = await exchange(world.mesh, {
      to: world.at.delete,
      bytes: `${method} / HTTP/1.1\r\nhost: w\r\n\r\n`,
    });
    expect([400, 403]).toContain(first);
    expect(methodsSince(before)).toEqual([]);
  });

  it('A26 OPTIONS * reaches nobody', async () => {
    const before = world.backend.requests.length;
    const { first } = await exchange(world.mesh, { to: world.at.open, bytes: 'OPTIONS * HTTP/1.1\r\nhost: w\r\n\r\n' });
    expect([400, 404]).toContain(first);
    expect(methodsSince(before)).toEqual([]);
  });
});
