/** Resources for tests, as text: what a test is about stands in the test, the rest is made here. */

export const NAMESPACE = `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: waypoint}
`;

export const gateway = (trafficFor = 'service'): string => `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: waypoint
  namespace: shop
  labels: {istio.io/waypoint-for: ${trafficFor}}
spec:
  gatewayClassName: portolan
  listeners: [{name: mesh, port: 15008, protocol: HBONE}]
`;

export interface ServiceText {
  readonly name: string;
  readonly ip: string;
  readonly port?: number;
  readonly targetPort?: number;
  /** Name of the port, from which Istio reads the protocol. */
  readonly portName?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export const service = ({
  name,
  ip,
  port = 80,
  targetPort = 8080,
  portName = 'http',
  labels = {},
}: ServiceText): string => `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop, labels: ${JSON.stringify(labels)}}
spec:
  clusterIP: ${ip}
  selector: {app: ${name}}
  ports: [{name: ${portName}, port: ${port}, targetPort: ${targetPort}}]
`;

export interface PodText {
  readonly name: string;
  readonly app: string;
  readonly ip: string;
  readonly port?: number;
  readonly account?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export const pod = ({ name, app, ip, port = 8080, account = app, labels = {} }: PodText): string => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: ${JSON.stringify({ app, ...labels })}}
spec:
  serviceAccountName: ${account}
  containers: [{name: app, image: app, ports: [{containerPort: ${port}}]}]
status: {phase: Running, podIP: ${ip}, conditions: [{type: Ready, status: "True"}]}
`;

export const policy = (
  name: string,
  service: string,
  action: string,
  rules: string,
): string => `apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: ${name}, namespace: shop}
spec:
  targetRefs: [{kind: Service, group: "", name: ${service}}]
  action: ${action}
  rules: ${rules}
`;

export const authentication = (
  name: string,
  service: string,
  jwtRules: readonly unknown[],
): string => `apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: ${name}, namespace: shop}
spec: ${JSON.stringify({ targetRefs: [{ group: '', kind: 'Service', name: service }], jwtRules })}
`;

export const documents = (...texts: readonly string[]): string => texts.join('---\n');
