import { describe, expect, it } from 'vitest';
import type { AuthzRequest } from '#model/authz.ts';
import { decide } from '#policy/authz/reference.ts';
import { adversarialPolicies, callers, randomPolicies, type Call } from './policy-set.ts';

const SEED = 20_261_121;
const COUNT = 150;

const request = ({ path, principal, tenant, address = '127.0.0.1' }: Call): AuthzRequest => ({
  principal,
  sourceIp: address,
  destinationIp: '10.96.0.10',
  destinationPort: 9080,
  host: 'reviews:9080',
  method: 'GET',
  path,
  headers: tenant === undefined ? [] : [['x-tenant', tenant]],
});

const target = { protocol: 'http' } as const;

describe('policy sets of the benchmark mean what they are measured as', () => {
  const sets = [
    randomPolicies(1, SEED),
    randomPolicies(COUNT, SEED),
    randomPolicies(COUNT, SEED, callers(10)),
    ...adversarialPolicies(COUNT, SEED),
  ];

  it.each(sets)('$name: every call of the load is allowed, the probe is refused', ({ set, allowed, refused }) => {
    expect(set.policies.length).toBeGreaterThan(0);
    expect(allowed.filter((call) => !decide(set, request(call), target).allowed)).toEqual([]);
    expect(decide(set, request(refused), target).allowed).toBe(false);
  });

  it('one seed gives one set, another seed another', () => {
    expect(randomPolicies(COUNT, SEED)).toEqual(randomPolicies(COUNT, SEED));
    expect(randomPolicies(COUNT, SEED).allowed).not.toEqual(randomPolicies(COUNT, SEED + 1).allowed);
  });

  it('random requests are of one length, whatever the number of policies', () => {
    const sizes = new Set([1, 10, COUNT].flatMap((count) => randomPolicies(count, SEED).allowed.map(length)));
    expect(sizes.size).toBe(1);
  });
});

const length = ({ path, principal }: Call): number => path.length + principal.length;
