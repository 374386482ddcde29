import { describe, expect, test } from 'vitest';
import { decide } from '#policy/authz/reference.ts';
import { BUILDS, loadFilter } from '../filters/load.ts';
import { AuthzFilter } from './filter.ts';
import { istioVectors } from './istio.ts';

// What Istio's own builder and stock Envoy decided (README.md), by the reference evaluator and by the filter.

const sets = istioVectors();

describe('the reference decides as Istio does', () => {
  test.each(sets)('$id', ({ set, requests }) => {
    const wrong = requests.filter(
      ({ request, allowed }) => decide(set, request, { protocol: 'http' }).allowed !== allowed,
    );
    expect(wrong).toEqual([]);
  });

  test('there are enough of both verdicts to mean something', () => {
    const all = sets.flatMap(({ requests }) => requests);
    expect(all.filter(({ allowed }) => allowed).length).toBeGreaterThan(300);
    expect(all.filter(({ allowed }) => !allowed).length).toBeGreaterThan(300);
  });
});

describe.each(BUILDS)('the filter decides as Istio does, but believes no X-Forwarded-For (%s)', (build) => {
  test.each(sets)('$id', async ({ set, requests }) => {
    const filter = await AuthzFilter.load(loadFilter('authz', build));
    const wrong = requests.filter(({ request, allowed }) => {
      const { remoteIp, ...unforwarded } = request;
      const expected = remoteIp === undefined ? allowed : decide(set, unforwarded, { protocol: 'http' }).allowed;
      filter.use(set, { port: request.destinationPort, address: request.destinationIp });
      return filter.decide(request).allowed !== expected;
    });
    expect(wrong).toEqual([]);
  });
});

test('how many verdicts it changes that X-Forwarded-For is not believed', () => {
  const changed = sets.flatMap(({ set, requests }) =>
    requests.filter(({ request, allowed }) => {
      const { remoteIp: _, ...unforwarded } = request;
      return decide(set, unforwarded, { protocol: 'http' }).allowed !== allowed;
    }),
  );
  expect(changed.every(({ tags }) => tags.includes('remote-ip'))).toBe(true);
  expect(changed.length).toBe(15);
});
