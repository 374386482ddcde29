import { describe, expect, it } from 'vitest';
import { ResourceStore } from '#resources/store.ts';
import { bypassFindings } from './bypass.ts';
import { ztunnelPolicies, type ZtunnelPolicyOptions } from './ztunnel-policy.ts';

const namespace = (labels = 'istio.io/use-waypoint: wp') => `apiVersion: v1
kind: Namespace
metadata: {name: app, labels: {istio.io/dataplane-mode: ambient, ${labels}}}
`;
const gateway = (traffic = 'service', annotations = '{}') => `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: wp, namespace: app, labels: {istio.io/waypoint-for: ${traffic}}, annotations: ${annotations}}
spec: {gatewayClassName: portolan, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
`;
const service = (name: string, selector: string, port = 80, labels = '') => `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: app, labels: {${labels}}}
spec: {clusterIP: 10.0.0.${name.length}, selector: ${selector}, ports: [{name: http, port: ${port}}]}
`;
const pod = (name: string, labels: string, ip: string) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: app, labels: ${labels}}
spec: {serviceAccountName: a, containers: [{name: app, image: app}]}
status: {phase: Running, podIP: ${ip}}
`;
const policy = (spec: string) => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: p, namespace: app}
spec: ${spec}
`;

const read = (...texts: readonly string[]) => new ResourceStore().update(new Map([['a.yaml', texts.join('---\n')]]));
const generate = (texts: readonly string[], options: ZtunnelPolicyOptions = {}) =>
  ztunnelPolicies(read(...texts), options);

const WP = 'cluster.local/ns/app/sa/wp';
const only = (principal = WP): object => ({ from: [{ source: { principals: [principal] } }] });

describe('policies for ztunnel', () => {
  const base = [
    namespace(),
    gateway(),
    service('web', '{app: web}'),
    pod('web-1', '{app: web, version: v1}', '10.1.0.1'),
  ];

  it('let the waypoint alone in to the pods of a service', () => {
    expect(generate(base)).toEqual({
      policies: [
        {
          apiVersion: 'security.istio.io/v1',
          kind: 'AuthorizationPolicy',
          metadata: { name: 'web-waypoint-only', namespace: 'app' },
          spec: { selector: { matchLabels: { app: 'web' } }, action: 'ALLOW', rules: [only()] },
        },
      ],
      findings: [],
    });
    const other = generate([
      namespace(),
      gateway('service', '{gateway.istio.io/service-account: x}'),
      ...base.slice(2),
    ]);
    expect(other.policies[0]?.spec.rules).toEqual([only('cluster.local/ns/app/sa/x')]);
  });

  it('are as few as say it all, and those that are asked for', () => {
    const texts = [...base, service('web-v1', '{app: web, version: v1}')];
    expect(generate(texts).policies.map(({ metadata }) => metadata.name)).toEqual(['web-waypoint-only']);
    expect(generate(texts, { namespace: 'other' }).policies).toEqual([]);
    expect(generate(texts, { waypoint: 'app/other' }).policies).toEqual([]);
    expect(generate(texts, { waypoint: 'app/wp' }).policies).toHaveLength(1);
  });

  it('leave ports of services that are not enrolled open, and say whom they close', () => {
    const apart = generate([...base, service('metrics', '{app: web}', 9090, 'istio.io/use-waypoint: none')]);
    expect(apart.policies[0]?.spec.rules).toEqual([only(), { to: [{ operation: { ports: ['9090'] } }] }]);
    expect(apart.findings).toEqual([]);
    const shared = generate([...base, service('direct', '{version: v1}', 80, 'istio.io/use-waypoint: none')]);
    expect(shared.policies[0]?.spec.rules).toEqual([only()]);
    expect(shared.findings).toMatchObject([{ code: 'PTL1341', resource: { name: 'direct' } }]);
  });

  it('say which services they cannot select', () => {
    const { policies, findings } = generate([namespace(), gateway(), service('blank', '{}')]);
    expect(policies).toEqual([]);
    expect(findings).toMatchObject([{ code: 'PTL1342', resource: { name: 'blank' } }]);
  });

  it('are for a whole namespace where its pods are enrolled', () => {
    const { policies } = generate([namespace(), gateway('all'), ...base.slice(2)]);
    expect(policies).toEqual([
      {
        apiVersion: 'security.istio.io/v1',
        kind: 'AuthorizationPolicy',
        metadata: { name: 'waypoint-only', namespace: 'app' },
        spec: { action: 'ALLOW', rules: [only()] },
      },
    ]);
  });

  it.each([
    ['none', [], true],
    [
      'one that lets the waypoint in',
      [`{selector: {matchLabels: {app: web}}, rules: [{from: [{source: {principals: [${WP}]}}]}]}`],
      false,
    ],
    ['one without a selector', [`{rules: [{from: [{source: {principals: [${WP}]}}]}]}`], false],
    [
      'one for other pods',
      [`{selector: {matchLabels: {app: x}}, rules: [{from: [{source: {principals: [${WP}]}}]}]}`],
      true,
    ],
    ['one that lets somebody else in', [`{rules: [{from: [{source: {principals: [${WP}, a/b]}}]}]}`], true],
    ['one that lets everybody in', ['{rules: [{}]}'], true],
    [
      'one about another port',
      [`{rules: [{from: [{source: {principals: [${WP}]}}]}, {to: [{operation: {ports: ["81"]}}]}]}`],
      false,
    ],
    [
      'one about this port too',
      [`{rules: [{from: [{source: {principals: [${WP}]}}]}, {to: [{operation: {ports: ["80"]}}]}]}`],
      true,
    ],
    ['a DENY of everybody else', [`{action: DENY, rules: [{from: [{source: {notPrincipals: [${WP}]}}]}]}`], false],
    [
      'a DENY of everybody else on a port',
      [`{action: DENY, rules: [{from: [{source: {notPrincipals: [${WP}]}}], to: [{operation: {ports: ["81"]}}]}]}`],
      true,
    ],
  ])('that are missing are found: %s', (_, policies, found) => {
    const resources = read(...base, ...policies.map(policy));
    expect(resources.findings).toEqual([]);
    expect(bypassFindings(resources, () => true).map(({ code }) => code)).toEqual(found ? ['PTL1340'] : []);
    expect(bypassFindings(resources, () => false)).toEqual([]);
  });

  it('that are generated leave nothing to be found', () => {
    const texts = [
      ...base,
      service('web-v1', '{app: web, version: v1}'),
      service('metrics', '{app: web}', 9090, 'istio.io/use-waypoint: none'),
    ];
    const made = generate(texts).policies.map((each) => JSON.stringify(each));
    expect(bypassFindings(read(...texts, ...made.map((text) => `${text}\n`)), () => true)).toEqual([]);
  });
});
