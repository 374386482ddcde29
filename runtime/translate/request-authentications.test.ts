import { describe, expect, it } from 'vitest';
import { ResourceStore } from '#resources/store.ts';
import { createTranslator } from './index.ts';

const service = (name: string, ip: string, port = 'http'): string => `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {clusterIP: ${ip}, ports: [{name: ${port}, port: 80}]}
`;

const BASE = [
  `apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/use-waypoint: waypoint}}
`,
  `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: waypoint, namespace: shop}
spec: {gatewayClassName: portolan, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
`,
  service('a', '10.96.0.1'),
  service('b', '10.96.0.2'),
  service('t', '10.96.0.3', 'tcp-x'),
].join('---\n');

const authentication = (name: string, spec: unknown): string => `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: ${name}, namespace: shop}
spec: ${JSON.stringify(spec)}
`;

const toA = [{ group: '', kind: 'Service', name: 'a' }];
const toGateway = [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'waypoint' }];
const issuer = (name: string, rest: object = {}) => ({ issuer: name, jwksUri: 'https://keys.example/', ...rest });

function translator() {
  const store = new ResourceStore();
  const translate = createTranslator();
  return (...documents: readonly string[]) => {
    const resources = store.update(new Map([['mesh.yaml', [BASE, ...documents].join('---\n')]]));
    const { model, findings } = translate(resources);
    const [waypoint] = model.waypoints;
    const port = (name: string) => waypoint?.ports.find((each) => each.service.name === name);
    const issuers = (name: string) => port(name)?.authn?.map((rule) => rule.issuer);
    return { waypoint: waypoint!, port, issuers, codes: findings.map(({ code }) => code) };
  };
}

describe('RequestAuthentications', () => {
  it('come together where they are attached, sorted by issuer, each once', () => {
    const { issuers, port, waypoint } = translator()(
      authentication('all', { targetRefs: toGateway, jwtRules: [issuer('m')] }),
      authentication('one', { targetRefs: toA, jwtRules: [issuer('z'), issuer('b')] }),
      authentication('twice', { targetRefs: [...toA, ...toGateway], jwtRules: [issuer('a')] }),
    );
    expect(issuers('a')).toEqual(['a', 'b', 'm', 'z']);
    expect(issuers('b')).toEqual(['a', 'm']);
    expect(port('t')).not.toHaveProperty('authn');
    expect(waypoint.workloadAuthn?.map((rule) => rule.issuer)).toEqual(['a', 'm']);
  });

  it('leave ports that they do not concern the same objects', () => {
    const translate = translator();
    const before = translate(authentication('one', { targetRefs: toA, jwtRules: [issuer('a')] }));
    const after = translate(authentication('one', { targetRefs: toA, jwtRules: [issuer('b')] }));
    expect(after.port('a')).not.toBe(before.port('a'));
    expect(after.port('b')).toBe(before.port('b'));
    expect(translate(authentication('one', { targetRefs: toA, jwtRules: [issuer('b')] })).waypoint).toBe(
      after.waypoint,
    );
  });

  it('that are not valid keep the version before, and else accept no token', () => {
    const translate = translator();
    const good = authentication('one', { targetRefs: toA, jwtRules: [issuer('a')] });
    const bad = authentication('one', { targetRefs: toA, jwtRules: [{ ...issuer('a'), fromParams: 'x' }] });
    const first = translate(good);
    expect(translate(bad).port('a')).toBe(first.port('a'));
    const { port, codes } = translator()(bad);
    expect(port('a')?.authn).toMatchObject([{ issuer: undefined, keys: { kind: 'none' } }]);
    expect(port('b')).not.toHaveProperty('authn');
    expect(codes).toContain('PTL1703');
  });

  it('of which nobody knows the targets accept no token in their namespace', () => {
    const { port } = translator()(authentication('one', { targetRefz: toA, jwtRules: [issuer('a')] }));
    for (const name of ['a', 'b']) expect(port(name)?.authn).toMatchObject([{ keys: { kind: 'none' } }]);
  });

  it('fetch keys through the mesh from its Services, and follow them', () => {
    const translate = translator();
    const uri = 'http://b.shop.svc.cluster.local/keys';
    const fetching = authentication('one', { targetRefs: toA, jwtRules: [issuer('a', { jwksUri: uri })] });
    const { port, waypoint } = translate(fetching);
    const backend = 'outbound|80||b.shop.svc.cluster.local';
    expect(port('a')?.authn?.[0]?.keys).toEqual({
      kind: 'fetched',
      uri,
      timeoutMs: 5_000,
      from: { kind: 'backend', backend },
    });
    expect(waypoint.backends.map(({ name }) => name)).toContain(backend);
    const outside = authentication('one', {
      targetRefs: toA,
      jwtRules: [issuer('a', { jwksUri: 'http://b.shop/keys' })],
    });
    expect(translate(outside).port('a')?.authn?.[0]?.keys).toMatchObject({ from: { kind: 'host', host: 'b.shop' } });
  });
});
