import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { ResourceStore } from '#resources/store.ts';
import { createTranslator, type Translation } from './index.ts';

const base = `
{ apiVersion: v1, kind: Namespace, metadata: { name: app, labels: { istio.io/use-waypoint: waypoint, istio.io/dataplane-mode: ambient } } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: waypoint, namespace: app }
spec: { gatewayClassName: portolan, listeners: [{ name: mesh, port: 15008, protocol: HBONE }] }
`;

/** A service with a pod, a route to itself and a policy. */
const service = (
  index: number,
  { principal = `cluster.local/ns/app/sa/c${index}`, podLabel = 'x', path = '/api' } = {},
) => `
{ apiVersion: v1, kind: Service, metadata: { name: s${index}, namespace: app }, spec: { clusterIP: 10.96.0.${index}, selector: { app: s${index} }, ports: [{ name: http, port: 80 }] } }
---
{ apiVersion: v1, kind: Pod, metadata: { name: s${index}-0, namespace: app, labels: { app: s${index} }, annotations: { note: ${podLabel} } }, spec: { serviceAccountName: s${index}, containers: [{ name: app }] }, status: { podIP: 10.244.0.${index} } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: s${index}, namespace: app }
spec:
  parentRefs: [{ group: "", kind: Service, name: s${index} }]
  rules: [{ matches: [{ path: { value: ${path} } }], backendRefs: [{ name: s${index}, port: 80 }] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: s${index}, namespace: app }
spec: { targetRefs: [{ kind: Service, group: "", name: s${index} }], rules: [{ from: [{ source: { principals: [${principal}] } }] }] }
`;

/** Translates one state of files after the other, as a watch does. */
function session(): (files: Readonly<Record<string, string>>) => Translation {
  const store = new ResourceStore();
  const translate = createTranslator();
  return (files) => translate(store.update(new Map(Object.entries(files))));
}

const waypointOf = (translation: Translation): Waypoint => translation.model.waypoints[0]!;
const portsOf = (translation: Translation): readonly ServicePort[] => waypointOf(translation).ports;

const changed = <T>(before: readonly T[], after: readonly T[]): number =>
  after.filter((each) => !before.includes(each)).length;

describe('what did not change keeps its identity', () => {
  const files = { base, a: service(1), b: service(2), c: service(3) };

  test('everything, when nothing changed', () => {
    const translate = session();
    const before = translate(files);
    const after = translate({ ...files });
    expect(waypointOf(after)).toBe(waypointOf(before));
    expect(after.findings).toBe(before.findings);
    expect(after.statuses).toBe(before.statuses);
  });

  test.each([
    ['a policy', service(2, { principal: 'cluster.local/ns/app/sa/other' }), 1, 0],
    ['a route', service(2, { path: '/other' }), 1, 0],
    ['an annotation of a pod', service(2, { podLabel: 'y' }), 0, 0],
    ['the address of a pod', service(2).replace('10.244.0.2', '10.244.0.9'), 0, 1],
    [
      'a new port',
      service(2).replace('[{ name: http, port: 80 }]', '[{ name: http, port: 80 }, { name: tcp, port: 81 }]'),
      1,
      1,
    ],
    ['another address', service(2).replace('10.96.0.2', '10.96.0.9'), 1, 0],
  ])('%s is edited', (_, b, ports, backends) => {
    const translate = session();
    const before = translate(files);
    const after = translate({ ...files, b });
    expect(changed(portsOf(before), portsOf(after))).toBe(ports);
    expect(changed(waypointOf(before).backends, waypointOf(after).backends)).toBe(backends);
    const back = translate(files);
    expect(back.model).toEqual(before.model);
    expect(back.statuses).toEqual(before.statuses);
  });

  test('a policy of a namespace without a waypoint changes nothing', () => {
    const translate = session();
    const before = translate(files);
    const after = translate({
      ...files,
      d: 'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: x, namespace: other}\nspec: {}',
    });
    expect(waypointOf(after)).toBe(waypointOf(before));
  });

  test('a service comes and goes', () => {
    const translate = session();
    const before = translate(files);
    const more = translate({ ...files, d: service(4) });
    expect(changed(portsOf(before), portsOf(more))).toBe(1);
    expect(translate(files).model).toEqual(before.model);
  });
});

test('the model depends on what the files say, not on their order or on what was there before', () => {
  const documents = [base, service(1), service(2), service(3, { path: '/x' }), service(4)].flatMap((text) =>
    text.split('---'),
  );
  const expected = session()({ all: documents.join('\n---\n') });
  fc.assert(
    fc.property(
      fc.shuffledSubarray(documents, { minLength: documents.length }),
      fc.array(fc.subarray(documents), { maxLength: 3 }),
      (order, history) => {
        const translate = session();
        for (const state of history) translate({ all: state.join('\n---\n') });
        const { model, statuses } = translate({ all: order.join('\n---\n') });
        expect(model).toEqual(expected.model);
        expect(statuses).toEqual(expected.statuses);
      },
    ),
    { numRuns: 25 },
  );
}, 30_000);

test('what was attached to a service is attached again when both went and came back', () => {
  const translate = session();
  const [onlyService = '', onlyPod = ''] = service(1).split('---');
  translate({ base, a: `${onlyService}---${onlyPod}` });
  const before = translate({ base, a: service(1) });
  expect(portsOf(before)[0]?.authz.policies).toHaveLength(1);
  translate({});
  expect(translate({ base, a: service(1) }).model).toEqual(before.model);
});

describe('nobody reaches into another namespace', () => {
  const other = `
{ apiVersion: v1, kind: Service, metadata: { name: secret, namespace: other }, spec: { clusterIP: 10.96.9.1, ports: [{ name: http, port: 80 }] } }
`;
  const grant = `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: g, namespace: other }
spec: { from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: app }], to: [{ group: "", kind: Service, name: secret }] }
`;
  const toSecret = service(1).replace('[{ name: s1, port: 80 }]', '[{ name: secret, namespace: other, port: 80 }]');
  const backendOf = (translation: Translation): string | undefined => {
    const action = portsOf(translation)[0]!.routes[0]!.action;
    return action.kind === 'forward' ? action.backends[0]!.backend : action.kind;
  };

  test('a backend needs a grant, and loses it with the grant', () => {
    const translate = session();
    const outcomes = [{}, { grant }, {}].map((more) => {
      const translation = translate({ base, a: toSecret, other, ...more });
      const refs = translation.statuses.find(({ resource }) => resource.kind === 'HTTPRoute')!.parents[0]!
        .conditions[1]!;
      return [backendOf(translation), refs.reason];
    });
    expect(outcomes).toEqual([
      [undefined, 'RefNotPermitted'],
      ['outbound|80||secret.other.svc.cluster.local', 'ResolvedRefs'],
      [undefined, 'RefNotPermitted'],
    ]);
  });

  test.each([
    [
      'HTTPRoute',
      'apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: evil, namespace: other}\nspec: {parentRefs: [{group: "", kind: Service, name: s1, namespace: app}], rules: [{backendRefs: [{name: secret, port: 80}]}]}',
    ],
    [
      'HTTPRoute for the waypoint',
      'apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: evil, namespace: other}\nspec: {parentRefs: [{name: waypoint, namespace: app}]}',
    ],
    [
      'VirtualService',
      'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: evil, namespace: other}\nspec: {hosts: [s1.app.svc.cluster.local], http: [{fault: {abort: {httpStatus: 500}}, route: [{destination: {host: s1.app.svc.cluster.local}}]}]}',
    ],
    [
      'DestinationRule',
      'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: evil, namespace: other}\nspec: {host: s1.app.svc.cluster.local, trafficPolicy: {loadBalancer: {simple: RANDOM}}}',
    ],
    [
      'policy for a service',
      'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: evil, namespace: other}\nspec: {targetRefs: [{group: "", kind: Service, name: s1}], action: DENY, rules: [{}]}',
    ],
    [
      'policy for a class',
      'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: evil, namespace: other}\nspec: {targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: portolan}], action: DENY, rules: [{}]}',
    ],
    [
      'invalid policy',
      'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: evil, namespace: other}\nspec: {targetRefs: [{group: gateway.networking.k8s.io, kind: GatewayClass, name: portolan}], action: NONSENSE}',
    ],
    [
      'policy of which nothing can be told',
      'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: evil, namespace: other}\nspec: [1]',
    ],
    [
      'pod with the labels',
      '{apiVersion: v1, kind: Pod, metadata: {name: evil, namespace: other, labels: {app: s1}}, spec: {containers: [{name: a}]}, status: {podIP: 10.244.9.9}}',
    ],
  ])('%s', (_, evil) => {
    const translate = session();
    const before = translate({ base, a: service(1), other });
    const after = translate({ base, a: service(1), other, evil });
    expect(portsOf(after)).toEqual(portsOf(before));
    expect(waypointOf(after).backends).toEqual(waypointOf(before).backends);
    expect(after.findings.length + after.statuses.length).toBeGreaterThanOrEqual(
      before.findings.length + before.statuses.length,
    );
  });
});

test('hostile names are names like others', () => {
  const text = service(1).replaceAll('s1', 'constructor');
  const [port] = portsOf(session()({ base, a: text }));
  expect(port!.service.name).toBe('constructor');
  expect(port!.authz.policies).toHaveLength(1);
});

test('an invalid policy closes its target and nothing else, until it is corrected', () => {
  const translate = session();
  const wrong = service(1).replace('rules: [{ from:', 'action: NONSENSE, rules: [{ from:');
  const closed = portsOf(translate({ base, a: wrong, b: service(2) })).map(({ authz }) => authz.closed);
  expect(closed).toEqual(['AuthorizationPolicy app/s1: it is not valid', undefined]);
  expect(portsOf(translate({ base, a: service(1), b: service(2) })).map(({ authz }) => authz.closed)).toEqual([
    undefined,
    undefined,
  ]);
});
