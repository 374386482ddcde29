import type { ServiceName } from '#model/backend.ts';
import type { Finding } from '#model/finding.ts';
import type { ServicePort } from '#model/waypoint.ts';
import type { ServiceEntry } from '#resources/service-entry.ts';
import type { Service } from '#resources/service.ts';
import { refOf } from './condition.ts';
import { serviceName } from './host.ts';
import { canonicalAddress } from './ip-address.ts';
import type { Labels } from './label-selector.ts';
import { none } from './memo.ts';
import { isTls, protocolOf } from './protocol.ts';
import type { KnownWorkload } from './workload.ts';

/** One TCP port of a Service. */
export interface KnownPort {
  /** `reviews.bookinfo.svc.cluster.local:9080`, the name of the port in a mesh. */
  readonly key: string;
  readonly port: number;
  readonly name: string | undefined;
  /** A number, or the name of a port of the pod. */
  readonly targetPort: number | string;
  readonly protocol: ServicePort['protocol'];
  /** TLS passes through it. */
  readonly tls?: true;
}

/**
 * What translation needs to know of a Service, or of a host of a ServiceEntry; depends on that resource alone. A class,
 * so that memos take one for another never: what is attached is found by the object, and one that is merely equal, of a
 * Service that went and came back, would be found by nobody.
 */
export class KnownService {
  readonly service: Service | ServiceEntry;
  /** `namespace/name` of a Service, `namespace/host:<host>` of a ServiceEntry. */
  readonly key: string;
  readonly name: ServiceName;
  /** Virtual addresses, canonical; none for headless and external services. */
  readonly addresses: readonly string[];
  /** Sorted by number. */
  readonly ports: readonly KnownPort[];
  /** Why a waypoint cannot be asked for it, for when it is enrolled. */
  readonly withoutAddress: readonly Finding[] | undefined;
  /** Of the workloads that answer for it. */
  readonly selector: Labels;
  /** Those that are not ready, too. */
  readonly allWorkloads: boolean;
  /** Endpoints that are written in a ServiceEntry. */
  readonly inline: readonly KnownWorkload[] | undefined;

  constructor(parts: KnownService) {
    this.service = parts.service;
    this.key = parts.key;
    this.name = parts.name;
    this.addresses = parts.addresses;
    this.ports = parts.ports;
    this.withoutAddress = parts.withoutAddress;
    this.selector = parts.selector;
    this.allWorkloads = parts.allWorkloads;
    this.inline = parts.inline;
  }
}

export function readService(service: Service, clusterDomain: string): KnownService {
  const { metadata, spec } = service;
  const name = serviceName(metadata.namespace, metadata.name, clusterDomain);
  const texts = spec.clusterIPs.length > 0 ? spec.clusterIPs : [spec.clusterIP];
  const addresses: string[] = [];
  for (const text of spec.type === 'ExternalName' ? none : texts) {
    const address = canonicalAddress(text ?? '');
    if (address !== undefined && !addresses.includes(address)) addresses.push(address);
  }
  const ports = spec.ports.filter(isTcp).map((port) => ({
    key: `${name.host}:${port.port}`,
    port: port.port,
    name: port.name,
    targetPort: port.targetPort ?? port.port,
    protocol: protocolOf(port),
    ...(isTls(port) ? { tls: true as const } : {}),
  }));
  if (ports.length > 1) ports.sort((a, b) => a.port - b.port);
  return new KnownService({
    service,
    key: `${metadata.namespace}/${metadata.name}`,
    name,
    addresses,
    ports,
    withoutAddress: addresses.length === 0 ? [withoutAddress(service)] : undefined,
    selector: spec.selector,
    allWorkloads: spec.publishNotReadyAddresses === true,
    inline: undefined,
  });
}

const isTcp = ({ protocol }: Service['spec']['ports'][number]): boolean => protocol === 'TCP';

function withoutAddress(service: Service): Finding {
  const { clusterIP, type } = service.spec;
  const headless = clusterIP === 'None';
  const external = type === 'ExternalName';
  return {
    code: 'PTL1206',
    level: headless || external ? 'info' : 'warning',
    resource: refOf(service),
    path: external ? 'spec.type' : 'spec.clusterIP',
    message: `Service ${service.metadata.name} has no virtual address, so no waypoint can be asked for it`,
    expected: 'an IP address',
    came: external ? 'ExternalName' : (clusterIP ?? 'none'),
    effect: 'its traffic does not go through the waypoint',
    next: headless
      ? 'enrol its pods to a waypoint with istio.io/waypoint-for: workload'
      : external
        ? 'call the external host by itself'
        : 'set spec.clusterIP; a cluster fills it in by itself, a file must say it',
  };
}
