import { describe, expect, it } from 'vitest';
import { ResourceStore } from './store.ts';

const load = (text: string) => new ResourceStore().update(new Map([['a.yaml', text]]));

describe('what clusters hold', () => {
  it('loads: a Service and a Pod as kubectl prints them', () => {
    const set = load(`apiVersion: v1
kind: Service
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"v1"}
  creationTimestamp: "2025-01-01T00:00:00Z"
  labels: {app: reviews}
  name: reviews
  namespace: bookinfo
  resourceVersion: "512"
  uid: 0c6f
spec:
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.10]
  internalTrafficPolicy: Cluster
  ipFamilies: [IPv4]
  ipFamilyPolicy: SingleStack
  ports:
  - {name: http, port: 9080, protocol: TCP, targetPort: http}
  selector: {app: reviews}
  sessionAffinity: None
  type: ClusterIP
status:
  loadBalancer: {}
---
apiVersion: v1
kind: Pod
metadata:
  name: reviews-v1-6b7f
  namespace: bookinfo
  labels: {app: reviews, version: v1}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: x, uid: y}]
spec:
  containers:
  - name: reviews
    image: reviews:1
    imagePullPolicy: IfNotPresent
    ports: [{containerPort: 9080, name: http, protocol: TCP}]
    volumeMounts: [{mountPath: /tmp, name: tmp}]
  dnsPolicy: ClusterFirst
  enableServiceLinks: true
  nodeName: n1
  preemptionPolicy: PreemptLowerPriority
  restartPolicy: Always
  schedulerName: default-scheduler
  securityContext: {}
  serviceAccount: reviews
  serviceAccountName: reviews
  terminationGracePeriodSeconds: 30
  tolerations: []
  volumes: []
status:
  conditions: [{type: Ready, status: "True", lastProbeTime: null}]
  containerStatuses: []
  hostIP: 172.18.0.2
  phase: Running
  podIP: 10.244.1.7
  podIPs: [{ip: 10.244.1.7}]
  qosClass: BestEffort
  startTime: "2025-01-01T00:00:00Z"
`);
    expect(set.findings).toEqual([]);
    expect(set.of('Service')[0]?.metadata.creationTimestamp).toBe('2025-01-01T00:00:00Z');
    expect(set.of('Service')[0]?.spec.ports).toEqual([
      { name: 'http', port: 9080, protocol: 'TCP', targetPort: 'http' },
    ]);
    expect(set.of('Pod')[0]).toMatchObject({
      spec: { serviceAccountName: 'reviews', containers: [{ ports: [{ name: 'http', containerPort: 9080 }] }] },
      status: { podIP: '10.244.1.7', conditions: [{ type: 'Ready', status: 'True' }] },
    });
  });

  it('loads: the other kinds', () => {
    const set =
      load(`{apiVersion: v1, kind: Namespace, metadata: {name: app, labels: {istio.io/use-waypoint: waypoint}}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: a, namespace: app}, secrets: []}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: a-1, namespace: app, labels: {kubernetes.io/service-name: a}}
addressType: IPv4
ports: [{name: http, port: 80, protocol: TCP}]
endpoints: [{addresses: [10.0.0.1], conditions: {ready: true}, nodeName: node, targetRef: {kind: Pod, name: p, namespace: app}}]
---
apiVersion: networking.istio.io/v1beta1
kind: WorkloadEntry
metadata: {name: vm, namespace: app}
spec: {address: 10.0.0.9, ports: {http: 8080}, labels: {app: vm}, serviceAccount: vm}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: portolan}
spec: {controllerName: portolan.example/waypoint}
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: g, namespace: app}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web}], to: [{group: "", kind: Service}]}
`);
    expect(set.findings).toEqual([]);
    expect(set.get('Namespace', '', 'app')?.metadata.labels['istio.io/use-waypoint']).toBe('waypoint');
    expect(set.of('EndpointSlice')[0]?.spec).toMatchObject({
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'] }],
    });
    expect(set.get('WorkloadEntry', 'app', 'vm')?.spec.ports).toEqual({ http: 8080 });
    expect(set.get('GatewayClass', '', 'portolan')?.metadata.namespace).toBe('');
    expect(set.of('ReferenceGrant')).toHaveLength(1);
    expect(set.of('ServiceAccount')).toHaveLength(1);
  });

  it('loads: a Gateway without an apiVersion, with a warning', () => {
    const set = load(`kind: Gateway
metadata:
  name: waypoint-foo
  namespace: foo
spec:
  gatewayClassName: istio-waypoint
  listeners:
  - name: mesh
    port: 15008
    protocol: HBONE
    allowedRoutes:
      namespaces:
        from: Selector
        selector:
          matchLabels:
            kubernetes.io/metadata.name: bookinfo
`);
    expect(set.findings).toMatchObject([
      { code: 'PTL1102', level: 'warning', expected: 'gateway.networking.k8s.io/v1', path: 'apiVersion' },
    ]);
    expect(set.get('Gateway', 'foo', 'waypoint-foo')?.spec.listeners[0]?.allowedRoutes.namespaces).toEqual({
      from: 'Selector',
      selector: { matchLabels: { 'kubernetes.io/metadata.name': 'bookinfo' }, matchExpressions: [] },
    });
  });
});

it('takes a field of the wrong place or a doubtful namespace for a finding', () => {
  const set = load(`apiVersion: v1
kind: Namespace
metadata: {name: app, namespace: x}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: portolan
  listeners:
  - {name: a, port: 80, protocol: HTTP}
  - {name: b, port: 80, protocol: HTTP}
`);
  expect(set.findings.map(({ code, level, path }) => `${code} ${level} ${path}`)).toEqual([
    'PTL1109 warning metadata.namespace',
    'PTL1107 error spec.listeners[1]',
  ]);
});
