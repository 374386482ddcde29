import { dnsLabel } from './dns-name.ts';
import type { KindDefinition } from './kind.ts';
import { portName, portNumber, protocol } from './port.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const port = s.object({
  name: s.optional(s.string({ max: 63 })),
  port: s.required(portNumber),
  /** A number, or the name of a port of the pod. Absent: `port`. */
  targetPort: s.either(portNumber, portName),
  protocol: s.withDefault(protocol, 'TCP'),
  appProtocol: s.string(),
  nodePort: s.ignored(),
});

const spec = s.object({
  type: s.withDefault(s.enumeration('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'), 'ClusterIP'),
  /** An IP address, `None` for headless services, absent while a cluster has not given one. */
  clusterIP: s.string(),
  clusterIPs: s.list(s.string()),
  ports: s.list(port),
  selector: s.map(s.string()),
  externalName: s.string(),
  externalIPs: s.ignored(),
  publishNotReadyAddresses: s.boolean(),
  trafficDistribution: s.unsupported(s.string(), 'spec.trafficDistribution', {
    effect: 'all endpoints are used alike',
  }),
  internalTrafficPolicy: s.ignored(),
  externalTrafficPolicy: s.ignored(),
  allocateLoadBalancerNodePorts: s.ignored(),
  healthCheckNodePort: s.ignored(),
  ipFamilies: s.ignored(),
  ipFamilyPolicy: s.ignored(),
  ipFamily: s.ignored(),
  topologyKeys: s.ignored(),
  loadBalancerClass: s.ignored(),
  loadBalancerIP: s.ignored(),
  loadBalancerSourceRanges: s.ignored(),
  sessionAffinity: s.ignored(),
  sessionAffinityConfig: s.ignored(),
});

export type Service = Resource<'Service', s.Infer<typeof spec>>;

export const service = {
  kind: 'Service',
  group: '',
  versions: ['v1'],
  namespaced: true,
  name: 'label',
  body: s.object({ spec: s.required(s.check(spec, namedPorts)), status: s.ignored() }),
} satisfies KindDefinition<'Service'>;

/** Names are needed where there are several ports, and must differ, because everything else refers to them. */
function namedPorts({ ports }: s.Infer<typeof spec>, report: s.Report): void {
  const names = new Set<string>();
  ports.forEach(({ name = '' }, index) => {
    const at = `ports[${index}].name`;
    if (ports.length > 1 && !dnsLabel[1](name)) {
      const message = 'each of several ports needs a name that is a DNS label';
      report.add({ code: 'PTL1107', level: 'error', message, came: name === '' ? 'none' : name }, at);
    } else if (names.has(name)) {
      report.add({ code: 'PTL1107', level: 'error', message: `port name "${name}" is used twice`, came: name }, at);
    }
    names.add(name);
  });
}
