import { expect, test } from 'vitest';
import type { Gateway } from '#resources/gateway.ts';
import { enrol } from './enrolment.ts';
import { readWaypointGateway } from './waypoint-gateway.ts';

const use = (name: string, namespace?: string) => ({
  'istio.io/use-waypoint': name,
  ...(namespace === undefined ? {} : { 'istio.io/use-waypoint-namespace': namespace }),
});

const gateway = (
  namespace: string,
  name: string,
  waypointFor: string,
  from: 'Same' | 'All',
  port = 15008,
): Gateway => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: {
    namespace,
    name,
    labels: { 'istio.io/waypoint-for': waypointFor },
    annotations: {},
    creationTimestamp: '',
  },
  spec: {
    gatewayClassName: 'portolan',
    addresses: [],
    listeners: [{ name: 'mesh', port, protocol: 'HBONE', allowedRoutes: { namespaces: { from }, kinds: [] } }],
  },
});

const all = [
  gateway('app', 'services', 'service', 'Same'),
  gateway('app', 'workloads', 'workload', 'Same'),
  gateway('app', 'both', 'all', 'Same'),
  gateway('app', 'nothing', 'none', 'Same'),
  gateway('app', 'unknown', 'everything', 'Same'),
  gateway('app', 'broken', 'all', 'Same', 8080),
  gateway('shared', 'open', 'all', 'All'),
  gateway('shared', 'closed', 'all', 'Same'),
].map((each) => readWaypointGateway(each, undefined));

const gateways = { waypoints: new Map(all.map((each) => [each.key, each])), others: new Set(['app/foreign']) };

test.each([
  ['service', {}, {}, 'none'],
  ['service', {}, use('services'), 'app/services'],
  ['workload', {}, use('services'), 'UnsupportedTrafficType'],
  ['service', {}, use('workloads'), 'UnsupportedTrafficType'],
  ['workload', {}, use('workloads'), 'app/workloads'],
  ['service', {}, use('both'), 'app/both'],
  ['workload', {}, use('both'), 'app/both'],
  ['service', {}, use('nothing'), 'UnsupportedTrafficType'],
  ['service', {}, use('unknown'), 'UnsupportedTrafficType'],
  ['service', use('none'), use('services'), 'none'],
  ['service', {}, use('none'), 'none'],
  ['service', use(''), use('services'), 'app/services'],
  ['service', use('both'), use('services'), 'app/both'],
  ['service', use('services'), use('none'), 'app/services'],
  // The namespace's waypoint does not step in for one that does not serve.
  ['service', use('missing'), use('services'), 'WaypointIsNotReady'],
  ['service', use('broken'), use('services'), 'WaypointIsNotReady'],
  ['service', use('foreign'), use('services'), 'foreign'],
  ['service', use('open', 'shared'), {}, 'shared/open'],
  ['service', use('closed', 'shared'), {}, 'AttachmentDenied'],
  ['service', {}, use('open', 'shared'), 'shared/open'],
  // A namespace alone names no waypoint.
  ['service', { 'istio.io/use-waypoint-namespace': 'shared' }, use('services'), 'app/services'],
  ['service', { 'gateway.istio.io/managed': 'istio.io-mesh-controller' }, use('services'), 'none'],
  ['workload', { 'gateway.networking.k8s.io/gateway-name': 'both' }, use('both'), 'none'],
  ['service', { 'gateway.networking.k8s.io/gateway-name': 'ingress' }, use('services'), 'app/services'],
] as const)('%s with labels %o in a namespace with %o: %s', (traffic, labels, namespaceLabels, expected) => {
  const enrolment = enrol({ namespace: 'app', labels, namespaceLabels, traffic }, gateways);
  const outcome =
    enrolment.kind === 'bound'
      ? enrolment.waypoint.key
      : enrolment.kind === 'refused'
        ? enrolment.reason
        : enrolment.kind;
  expect(outcome).toBe(expected);
});
