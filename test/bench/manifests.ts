// The workload of the figures that were measured of istiod: N services of one HTTP port with two HBONE endpoints of
// versions v1 and v2, each with a VirtualService that splits 90 to 10 over two subsets, and one ALLOW policy of one
// principal, one method and one path. A file a service, as a cluster's objects come one by one.

export const NAMESPACE = 'mesh';
export const WAYPOINT = 'mesh/waypoint';
export const SHARED_FILE = 'shared.yaml';
export const UNRELATED_FILE = 'unrelated.yaml';

export const serviceFile = (index: number): string => `svc-${index}.yaml`;

/** Of the 4,194,304 addresses from 10.64.0.0 on. */
export const serviceAddress = (index: number): string => address(64, index);

const address = (first: number, index: number): string =>
  `10.${first + ((index >> 16) & 63)}.${(index >> 8) & 255}.${index & 255}`;

const SHARED = `apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels:
    istio.io/dataplane-mode: ambient
    istio.io/use-waypoint: waypoint
---
apiVersion: v1
kind: Namespace
metadata:
  name: unrelated
  labels:
    istio.io/dataplane-mode: ambient
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: waypoint
  namespace: ${NAMESPACE}
  labels:
    istio.io/waypoint-for: service
spec:
  gatewayClassName: portolan
  listeners:
    - name: mesh
      port: 15008
      protocol: HBONE
`;

/** What one service's file can differ in. */
export interface ServiceEdit {
  readonly path?: string;
  readonly weights?: readonly [number, number];
  readonly method?: string;
}

export function policyText(
  name: string,
  namespace: string,
  service: string,
  client: number,
  edit: ServiceEdit = {},
): string {
  return `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  targetRefs:
    - group: ""
      kind: Service
      name: ${service}
  action: ALLOW
  rules:
    - from:
        - source:
            principals: [cluster.local/ns/${NAMESPACE}/sa/client-${client}]
      to:
        - operation:
            methods: [${edit.method ?? 'GET'}]
            paths: [${edit.path ?? '/api'}]
`;
}

const pod = (index: number, version: number): string => `apiVersion: v1
kind: Pod
metadata:
  name: svc-${index}-v${version}
  namespace: ${NAMESPACE}
  labels:
    app: svc-${index}
    version: v${version}
spec:
  serviceAccountName: svc-${index}
  containers:
    - name: app
      image: app
      ports:
        - containerPort: 9080
status:
  phase: Running
  podIP: ${address(128 * version > 128 ? 192 : 128, index)}
  podIPs:
    - ip: ${address(128 * version > 128 ? 192 : 128, index)}
  conditions:
    - type: Ready
      status: 'True'
`;

export function serviceText(index: number, edit: ServiceEdit = {}): string {
  const [first, second] = edit.weights ?? [90, 10];
  const name = `svc-${index}`;
  const host = `${name}.${NAMESPACE}.svc.cluster.local`;
  return `apiVersion: v1
kind: Service
metadata:
  name: ${name}
  namespace: ${NAMESPACE}
spec:
  clusterIP: ${serviceAddress(index)}
  clusterIPs: [${serviceAddress(index)}]
  selector:
    app: ${name}
  ports:
    - name: http
      port: 9080
      targetPort: 9080
      protocol: TCP
---
${pod(index, 1)}---
${pod(index, 2)}---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: ${name}
  namespace: ${NAMESPACE}
spec:
  host: ${host}
  subsets:
    - name: v1
      labels:
        version: v1
    - name: v2
      labels:
        version: v2
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: ${name}
  namespace: ${NAMESPACE}
spec:
  hosts: [${host}]
  http:
    - route:
        - destination:
            host: ${host}
            subset: v1
          weight: ${first}
        - destination:
            host: ${host}
            subset: v2
          weight: ${second}
---
${policyText(name, NAMESPACE, name, index % 10, edit)}`;
}

/** The files of a mesh of `count` services. */
export function meshFiles(count: number): Map<string, string> {
  const files = new Map([[SHARED_FILE, SHARED]]);
  for (let index = 0; index < count; index++) files.set(serviceFile(index), serviceText(index));
  return files;
}
