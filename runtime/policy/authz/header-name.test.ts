import { expect, it } from 'vitest';
import type { AuthzPolicySet } from '#model/authz.ts';
import type { Waypoint } from '#model/waypoint.ts';
import { headersKept } from './header-name.ts';

it('headers that policies name are kept, but none that may hold a secret', () => {
  const names = ['X-Tier', 'x-user', 'authorization', 'Cookie', 'x-api-key', 'x-auth-request-email', 'x-csrf-token'];
  const odd = [':path', 'host', 'x a', 'x:1%'];
  const set: AuthzPolicySet = {
    policies: [...names, ...odd].map((header) => ({
      namespace: 'app',
      name: 'p',
      action: 'DENY',
      rules: [{ from: [], to: [], when: [{ key: 'header', header, values: { any: [], none: [] } }] }],
    })),
  };
  const waypoint = { ports: [{ authz: set }], workloadAuthz: { policies: [] } } as unknown as Waypoint;
  expect(headersKept(waypoint)).toEqual(['x-tier', 'x-user']);
});
