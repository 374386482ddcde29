import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileRouting } from '#policy/routing/compile.ts';
import { servicePort, split } from '#policy/service-port.fixture.ts';
import { FeatureWorld } from './feature-world.ts';

const SPLIT = { v1: 90, v2: 0, v3: 10 };
const EVEN = { v1: 1, v3: 1 };

const weighted = (weights: Readonly<Record<string, number>>) => ({
  route: {
    weighted_clusters: {
      clusters: Object.entries(weights).map(([name, weight]) => ({ name, weight })),
      header_name: 'x-portolan-draw',
    },
  },
});

const program = (even = EVEN): Uint8Array =>
  compileRouting(
    servicePort([split('split', SPLIT), split('sticky', even, { by: 'cookie', name: 'user' })]),
  ) as Uint8Array;

describe('routing in Envoy', () => {
  let world: FeatureWorld;

  beforeAll(async () => {
    world = await FeatureWorld.start({
      feature: 'routing',
      program: program(),
      clusters: ['v1', 'v2', 'v3'],
      routes: [
        { name: 'split', prefix: '/split', switched: true, action: weighted(SPLIT) },
        { name: 'sticky', prefix: '/sticky', switched: true, action: weighted(EVEN) },
        { name: 'unknown', prefix: '/unknown', switched: true, action: weighted(EVEN) },
        { name: 'off', prefix: '/', action: weighted({ v2: 1 }) },
      ],
    });
  });

  afterAll(() => world?.stop());

  async function counts(path: string, requests: number, headers: Record<string, string> = {}) {
    const result: Record<string, number> = {};
    for (let i = 0; i < requests; i++) {
      const { status, body } = await world.get(path, headers);
      expect(status).toBe(200);
      result[body] = (result[body] ?? 0) + 1;
    }
    return result;
  }

  it('the backend that the filter drew is the one that answers: exact over every window', async () => {
    for (let round = 0; round < 10; round++) expect(await counts('/split', 10)).toEqual({ v1: 9, v3: 1 });
  });

  it('a caller cannot draw for itself, and the draw does not leave the proxy', async () => {
    expect(await counts('/split', 100, { 'x-portolan-draw': '95' })).toEqual({ v1: 90, v3: 10 });
    expect((await world.get('/split')).headers['saw-draw']).toBe('[]');
  });

  it('a sticky caller stays, callers are spread, and who brings nothing is counted exactly', async () => {
    const homes = new Map<string, string>();
    for (let user = 0; user < 60; user++) {
      const cookie = `theme=dark; user=u${user}`;
      const { body } = await world.get('/sticky', { cookie });
      homes.set(cookie, body);
    }
    for (const [cookie, home] of homes) expect((await world.get('/sticky', { cookie })).body).toBe(home);
    expect(new Set(homes.values())).toEqual(new Set(['v1', 'v3']));
    expect(await counts('/sticky', 20)).toEqual({ v1: 10, v3: 10 });
  });

  it('a route that the program does not know is drawn by Envoy', async () => {
    const result = await counts('/unknown', 100, { 'x-portolan-draw': '0' });
    // Had the caller's header counted, all would be v1; by chance that happens once in 2^99.
    expect(Object.keys(result).sort()).toEqual(['v1', 'v3']);
  });

  it('a route that does not split does not run the filter: the caller header meets nobody', async () => {
    expect(await counts('/', 5)).toEqual({ v2: 5 });
  });

  it('a new program is in force for connections that are open, a broken one is refused, and nobody notices', async () => {
    let failed = 0;
    const running = new AbortController();
    const load = (async () => {
      while (!running.signal.aborted) if ((await world.get('/split')).status !== 200) failed++;
    })();
    expect(await world.replace(program({ v1: 1, v3: 0 }), 2)).toBe('accepted');
    expect(await world.replace(new Uint8Array([1, 2, 3]), 3)).toBe('refused');
    expect(await world.replace(program(), 4)).toBe('accepted');
    running.abort();
    await load;
    expect(failed).toBe(0);
    // The load took some of a window of ten, so a hundred draws end within another: one more or less at either end.
    const { v1 = 0, v3 = 0 } = await counts('/split', 100);
    expect(v1 + v3).toBe(100);
    expect(Math.abs(v3 - 10)).toBeLessThanOrEqual(1);
    expect(world.envoy.log).toContain('program refused: shorter than a header');
  });
});
