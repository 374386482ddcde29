import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_PROGRAM_SIZE } from '#model/regular-expression.ts';
import { regexProblem } from '#resources/regular-expression.ts';
import { documents, gateway, NAMESPACE, pod, service } from './mesh/manifests.ts';
import { startTestMesh, type TestMesh } from './mesh/mesh.ts';
import { RealEnvoy } from './real-envoy.ts';

// What is let through is what Envoy takes: asked of Envoy's own RE2, and its sizes read from its own warnings.

const bootstrap = (expressions: readonly string[], runtime: Readonly<Record<string, number>> = {}) => ({
  layered_runtime: {
    layers: [{ name: 'limits', static_layer: { 're2.max_program_size.error_level': MAX_PROGRAM_SIZE, ...runtime } }],
  },
  static_resources: {
    listeners: [
      {
        name: 'l',
        address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
        filter_chains: [
          {
            filters: [
              {
                name: 'hcm',
                typed_config: {
                  '@type':
                    'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
                  stat_prefix: 'l',
                  http_filters: [
                    {
                      name: 'router',
                      typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
                    },
                  ],
                  route_config: {
                    virtual_hosts: [
                      {
                        name: 'v',
                        domains: ['*'],
                        routes: expressions.map((regex) => ({
                          match: { safe_regex: { regex } },
                          direct_response: { status: 200 },
                        })),
                      },
                    ],
                  },
                },
              },
            ],
          },
        ],
      },
    ],
  },
});

/** The size of each program as Envoy counts it; throws if it refuses any. */
async function sizesOf(expressions: readonly string[]): Promise<readonly number[]> {
  const envoy = await RealEnvoy.start(bootstrap(expressions, { 're2.max_program_size.warn_level': 0 }));
  try {
    return [...envoy.log.matchAll(/RE2 program size of (\d+)/g)].map(([, size]) => Number(size));
  } finally {
    await envoy.stop();
  }
}

/** The most repetitions of a part that are let through; there are never more than RE2's own thousand. */
function mostOf(part: string): string {
  let [fits, over] = [1, 1_001];
  while (over - fits > 1) {
    const middle = (fits + over) >> 1;
    if (regexProblem(`(?:${part}){${middle}}`) === undefined) fits = middle;
    else over = middle;
  }
  return `(?:${part}){${fits}}`;
}

describe('a regular expression', () => {
  it('that is let through is taken by Envoy, and little that Envoy takes is not', async () => {
    const parts = [
      'a',
      '\\d',
      '.',
      '\\W',
      '\\PL',
      '[^/]',
      '[0-9a-f-]',
      '(?i)k',
      '(a|bc|d)',
      'a?',
      '日',
      '[é-ü]',
      '(?s:.)',
    ];
    const sizes = await sizesOf(parts.map(mostOf));
    expect(sizes.length).toBe(parts.length);
    for (const [index, part] of parts.entries()) {
      expect(sizes[index], part).toBeLessThanOrEqual(MAX_PROGRAM_SIZE);
      expect(sizes[index], part).toBeGreaterThan(0.7 * MAX_PROGRAM_SIZE);
    }
  });

  it.each(['(', '(?!a)', '(?<=a)b', '\\1', 'a**', 'a{2,1}', '\\Z', '\\pX', 'a{997}', '[0-9a-f-]{334}'])(
    '%s is refused here and by Envoy',
    async (expression) => {
      expect(regexProblem(expression)).toBeDefined();
      await expect(sizesOf([expression])).rejects.toThrow('Envoy ended');
    },
  );
});

describe('a bad expression in a route', () => {
  const route = (expression: string): string => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{kind: Service, group: "", name: web}]
  rules:
  - matches: [{path: {type: RegularExpression, value: "${expression}"}}]
    backendRefs: [{name: web, port: 80}]
`;
  let mesh: TestMesh;
  beforeAll(async () => {
    const base = documents(
      NAMESPACE,
      gateway(),
      service({ name: 'web', ip: '10.96.22.10' }),
      pod({ name: 'web-1', app: 'web', ip: '127.0.32.1' }),
    );
    mesh = await startTestMesh({ 'mesh.yaml': base, 'route.yaml': route('/v[0-9]+') });
  });
  afterAll(() => mesh?.stop());
  const get = async (path: string): Promise<number> => (await mesh.call({ to: '10.96.22.10:80', path })).status;

  it('never reaches Envoy: the route as it was before serves on', async () => {
    expect([await get('/v12'), await get('/v1x')]).toEqual([200, 404]);
    for (const bad of ['/v(?!1).*', '/[0-9a-f-]{400}']) {
      await mesh.apply('route.yaml', route(bad));
      const { findings } = mesh.mesh.running.world();
      expect(findings.filter(({ code }) => code === 'PTL1111')).toMatchObject([
        {
          path: 'spec.rules[0].matches[0].path.value',
          effect: 'the version read before keeps serving',
          place: { line: 7 },
        },
      ]);
      expect([await get('/v12'), await get('/v1x')]).toEqual([200, 404]);
    }
    expect(mesh.mesh.running.proxies().flatMap(({ rejections }) => rejections)).toEqual([]);
    await mesh.apply('route.yaml', route('(?i)/V[a-z]'));
    expect([await get('/va'), await get('/v12')]).toEqual([200, 404]);
  });
});
