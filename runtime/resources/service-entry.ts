import { wildcardHostname } from './dns-name.ts';
import type { KindDefinition } from './kind.ts';
import { portName, portNumber } from './port.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const port = s.object({
  number: s.required(portNumber),
  name: s.required(portName),
  /** `HTTP`, `GRPC`, `TCP`, …; absent: detected. */
  protocol: s.string(),
  /** Absent: `number`. */
  targetPort: portNumber,
});

const endpoint = s.object({
  /** An IP address, a host name, or `unix://…`. */
  address: s.string(),
  ports: s.map(portNumber),
  labels: s.map(s.string()),
  network: s.string(),
  locality: s.string(),
  weight: s.integer(0, 2 ** 32 - 1),
  serviceAccount: s.string(),
});

const spec = s.object({
  hosts: s.required(s.list(s.string({ min: 1, format: wildcardHostname }), { min: 1, max: 256 })),
  /** Virtual addresses; a CIDR block is none. */
  addresses: s.list(s.string({ min: 1 }), { max: 256 }),
  ports: s.list(port, { max: 256 }),
  location: s.ignored(),
  resolution: s.withDefault(s.enumeration('NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS'), 'NONE'),
  endpoints: s.list(endpoint),
  workloadSelector: s.object({ labels: s.map(s.string()) }),
  exportTo: s.unsupported(s.list(s.string()), 'spec.exportTo', { effect: 'its hosts are there for every namespace' }),
  subjectAltNames: s.unsupported(s.list(s.string()), 'spec.subjectAltNames', {
    effect: 'endpoints in the mesh prove their own service accounts; others are reached without TLS',
  }),
});

const status = s.object(
  {
    /** Addresses that a controller gave to single hosts. */
    addresses: s.list(s.object({ host: s.string(), value: s.string() }, { open: true })),
  },
  { open: true },
);

export type ServiceEntry = Resource<'ServiceEntry', s.Infer<typeof spec>> & { readonly status: s.Infer<typeof status> };

export const serviceEntry = {
  kind: 'ServiceEntry',
  group: 'networking.istio.io',
  versions: ['v1', 'v1beta1', 'v1alpha3'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({
    spec: s.required(s.check(spec, differentPorts)),
    status: s.withDefault(status, { addresses: [] }),
  }),
} satisfies KindDefinition<'ServiceEntry'>;

function differentPorts({ ports, endpoints, workloadSelector }: s.Infer<typeof spec>, report: s.Report): void {
  ports.forEach(({ name, number }, index) => {
    const earlier = ports.slice(0, index);
    if (earlier.some((other) => other.name === name || other.number === number)) {
      const message = `port ${number} "${name}" has the number or the name of another`;
      report.add({ code: 'PTL1107', level: 'error', message, next: 'give each port its own' }, `ports[${index}]`);
    }
  });
  if (endpoints.length > 0 && workloadSelector !== undefined) {
    const message = 'endpoints and workloadSelector do not go together';
    report.add({ code: 'PTL1106', level: 'error', message, next: 'remove one of them' }, 'workloadSelector');
  }
}
