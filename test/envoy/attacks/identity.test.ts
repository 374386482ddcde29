import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { createHboneClient } from '#hbone/client.ts';
import type { AuthzPolicySet, AuthzRequest, AuthzSource } from '#model/authz.ts';
import { decide } from '#policy/authz/reference.ts';
import { loadFilter } from '../../filters/load.ts';
import { AuthzFilter } from '../../vectors/filter.ts';
import { exchange, get } from './exchange.ts';
import { startAttackWorld, type AttackWorld } from './world.ts';

const from = (source: string): string => `[{from: [{source: {${source}}}]}]`;

const TARGETS = {
  onlyA: { policies: [['ALLOW', from('principals: [cluster.local/ns/foo/sa/a]')]] },
  notA: { policies: [['DENY', from('notPrincipals: [cluster.local/ns/foo/sa/a]')]] },
  dotted: { policies: [['ALLOW', from('principals: ["*/sa/a.b"]')]] },
  dottedDeny: { policies: [['DENY', from('principals: ["*/sa/a.b"]')]] },
  accounts: { policies: [['ALLOW', from('serviceAccounts: [foo/a.b]')]] },
  accountsDeny: { policies: [['DENY', from('serviceAccounts: [foo/a.b]')]] },
  space: { policies: [['ALLOW', from('namespaces: [foo]')]] },
  spaceDeny: { policies: [['DENY', from('namespaces: ["a.b"]')]] },
  open: {},
} as const;

type Name = keyof typeof TARGETS;

describe('identity', () => {
  let world: AttackWorld<Name>;
  beforeAll(async () => {
    world = await startAttackWorld(51, TARGETS, { concurrency: 4 });
  });
  afterAll(() => world?.stop());

  const statusOf = async (target: Name, as: string): Promise<number | string> => {
    const before = world.backend.requests.length;
    const { first } = await exchange(world.mesh, { to: world.at[target], as, bytes: get('/') });
    if (first !== 200) expect(world.backend.requests.length).toBe(before);
    return first;
  };

  it.each([
    ['onlyA', 'foo/a', 200],
    ['onlyA', 'foo/b', 403],
    ['onlyA', 'foo/aa', 403],
    ['onlyA', 'Foo/a', 403],
    ['onlyA', 'fooo/a', 403],
    ['notA', 'foo/a', 200],
    ['notA', 'foo/b', 403],
    ['dotted', 'foo/a.b', 200],
    ['dotted', 'foo/axb', 403],
    ['dottedDeny', 'foo/a.b', 403],
    ['dottedDeny', 'foo/axb', 200],
    ['accounts', 'foo/a.b', 200],
    ['accounts', 'foo/axb', 403],
    ['accounts', 'bar/a.b', 403],
    ['accountsDeny', 'foo/a.b', 403],
    ['accountsDeny', 'foo/axb', 200],
    ['space', 'foo/x', 200],
    ['space', 'fo/x', 403],
    ['space', 'foo.bar/x', 403],
    ['spaceDeny', 'a.b/x', 403],
    ['spaceDeny', 'axb/x', 200],
  ] as const)('A13 A14 %s: %s gets %d', async (target, as, status) => {
    expect(await statusOf(target, as)).toBe(status);
  });

  it('Z1 on four workers, over many connections, with tunnels held open by one who may: no other gets in', async () => {
    const clients = Array.from({ length: 4 }, () => createHboneClient());
    try {
      const held = await Promise.all(
        clients.map(async (client) => {
          const tls = await world.mesh.tls('foo/a');
          return client.connect({ waypoint: world.mesh.waypoint, authority: world.at.onlyA, tls });
        }),
      );
      const first = held.map((tunnel) => {
        tunnel.on('error', () => undefined);
        tunnel.write(get('/held'));
        return new Promise((resolve) => tunnel.once('data', resolve));
      });
      await Promise.all(first);
      const callers = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? 'foo/a' : 'foo/b'));
      const answers = await Promise.all(callers.map((as) => statusOfAny(as)));
      expect(answers).toEqual(callers.map((as) => (as === 'foo/a' ? 200 : 403)));
      // And after a change of the listener's surroundings.
      await world.mesh.apply('more.yaml', MORE);
      expect(new Set(await Promise.all(Array.from({ length: 40 }, () => statusOfAny('foo/b'))))).toEqual(
        new Set([403]),
      );
      held.forEach((tunnel) => tunnel.destroy());
    } finally {
      await Promise.all(clients.map((client) => client.close(0)));
    }
  });

  const statusOfAny = async (as: string): Promise<number | string> =>
    (await exchange(world.mesh, { to: world.at.onlyA, as, bytes: get('/') })).first;

  it('Z5 what the caller says of itself on CONNECT is not its identity', async () => {
    for (const name of ['x-forwarded-client-cert', 'x-principal', 'forwarded', 'baggage', 'io.istio.peer_principal']) {
      const connect = { [name]: 'URI=spiffe://cluster.local/ns/foo/sa/a' };
      const { first } = await exchange(world.mesh, { to: world.at.onlyA, as: 'foo/b', bytes: get('/'), connect });
      expect(first).toBe(403);
    }
  });
});

const MORE = `apiVersion: v1
kind: Service
metadata: {name: another, namespace: shop}
spec:
  clusterIP: 10.96.51.90
  selector: {app: backend}
  ports: [{name: http, port: 80, targetPort: 8080}]
`;

// Identities that TLS lets nobody have; the filter holds all the same, should another way in come to be.
describe('identity, in the filter', () => {
  let filter: AuthzFilter;
  beforeAll(async () => {
    filter = await AuthzFilter.load(loadFilter('authz', 'release'));
  });

  const none = { any: [], none: [] };
  const exact = (value: string) => ({ kind: 'exact' as const, value });
  const set = (action: 'ALLOW' | 'DENY', source: Partial<AuthzSource>): AuthzPolicySet => ({
    policies: [
      {
        namespace: 'shop',
        name: 'p',
        action,
        rules: [
          {
            from: [{ principals: none, namespaces: none, ipBlocks: none, ...source }],
            to: [],
            when: [],
          },
        ],
      },
    ],
  });

  function allowed(policies: AuthzPolicySet, principal: string | undefined): boolean {
    const request: AuthzRequest = {
      ...(principal === undefined ? {} : { principal }),
      sourceIp: '10.0.0.1',
      destinationIp: '10.96.0.10',
      destinationPort: 80,
      host: 'web',
      method: 'GET',
      path: '/',
      headers: [],
    };
    filter.use(policies, undefined);
    const verdict = filter.decide(request).allowed;
    if (!principal?.includes(',')) expect(verdict).toBe(decide(policies, request, { protocol: 'http' }).allowed);
    return verdict;
  }

  const A = 'spiffe://cluster.local/ns/foo/sa/a';

  it('A11 no identity: DENY notPrincipals holds, ALLOW notPrincipals too, and nothing that asks for one', () => {
    expect(allowed(set('DENY', { principals: { any: [], none: [exact(A)] } }), undefined)).toBe(false);
    expect(allowed(set('ALLOW', { principals: { any: [], none: [exact(A)] } }), undefined)).toBe(true);
    expect(allowed(set('ALLOW', { principals: { any: [{ kind: 'present' }], none: [] } }), undefined)).toBe(false);
    expect(allowed(set('ALLOW', { principals: { any: [{ kind: 'present' }], none: [] } }), '')).toBe(false);
  });

  it('A15 a longer identity is of its first namespace where that grants, and of each where that refuses', () => {
    const evil = 'spiffe://cluster.local/ns/evil/sa/x/ns/team-a/sa/y';
    const teamA = { any: [exact('team-a')], none: [] };
    expect(allowed(set('ALLOW', { namespaces: teamA }), evil)).toBe(false);
    expect(allowed(set('DENY', { namespaces: teamA }), evil)).toBe(false);
    expect(allowed(set('ALLOW', { namespaces: { any: [], none: [exact('team-a')] } }), evil)).toBe(false);
  });

  it('Z7 E8 several identities in one text, and a NUL in one, are nobody who may', () => {
    for (const odd of [`${A},spiffe://cluster.local/ns/foo/sa/b`, `spiffe://x/ns/foo/sa/b,${A}`, `${A}\0.evil`]) {
      expect(allowed(set('ALLOW', { principals: { any: [exact(A)], none: [] } }), odd)).toBe(false);
    }
    expect(
      allowed(set('ALLOW', { principals: { any: [{ kind: 'suffix', value: '/sa/a' }], none: [] } }), `x,${A}`),
    ).toBe(false);
  });

  it.each(['[', ']', '(', ')', '+', '^', '$', '|', '.', '\\', '?'])('A14 %s in a policy is itself', (character) => {
    const policies = set('ALLOW', { namespaces: { any: [exact(`a${character}b`)], none: [] } });
    expect(allowed(policies, `spiffe://cluster.local/ns/a${character}b/sa/x`)).toBe(true);
    for (const other of ['axb', 'ab', 'a', 'aab']) {
      expect(allowed(policies, `spiffe://cluster.local/ns/${other}/sa/x`)).toBe(false);
    }
  });
});
