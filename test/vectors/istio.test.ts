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
    expect(all.filter(({ allowed }) => allowed).length).toBeGreaterThan(100);
    expect(all.filter(({ allowed }) => !allowed).length).toBeGreaterThan(100);
  });
});

describe.each(BUILDS)('the filter decides as Istio does (%s)', (build) => {
  test.each(sets)('$id', async ({ set, requests }) => {
    const filter = await AuthzFilter.load(loadFilter('authz', build));
    const wrong = requests.filter(({ request, allowed }) => {
      filter.use(set, { port: request.destinationPort, address: request.destinationIp });
      return filter.decide(request).allowed !== allowed;
    });
    expect(wrong).toEqual([]);
  });
});
