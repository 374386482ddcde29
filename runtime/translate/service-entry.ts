import type { Finding } from '#model/finding.ts';
import type { ServiceEntry } from '#resources/service-entry.ts';
import { refOf } from './condition.ts';
import { canonicalAddress } from './ip-address.ts';
import { none } from './memo.ts';
import { isTls, protocolOf } from './protocol.ts';
import { type KnownPort, KnownService } from './service.ts';
import { type KnownWorkload, readWorkloadEntry } from './workload.ts';

/**
 * The services that a ServiceEntry stands for, one a host. An address that is not one host's alone belongs to the first,
 * because it is by addresses that a waypoint knows what is asked for; the other hosts are then other names of that one.
 */
export function readServiceEntry(entry: ServiceEntry, trustDomain: string): readonly KnownService[] {
  const { metadata, spec } = entry;
  const refusal = spec.resolution === 'STATIC' ? undefined : [notServed(entry)];
  const inline = inlineWorkloads(entry, trustDomain);
  return spec.hosts.map((host, index) => {
    const addresses = addressesOf(entry, host, index);
    const served = refusal === undefined && !host.startsWith('*');
    const lost = addresses.length > 0 ? undefined : [withoutAddress(entry, host, index)];
    return new KnownService({
      service: entry,
      key: `${metadata.namespace}/host:${host}`,
      name: { namespace: metadata.namespace, name: metadata.name, host },
      addresses: served ? addresses : none,
      ports: served ? portsOf(entry, host) : none,
      withoutAddress: refusal ?? (host.startsWith('*') ? [wildcard(entry, index)] : lost),
      selector: spec.workloadSelector?.labels ?? {},
      allWorkloads: false,
      inline,
    });
  });
}

function portsOf({ spec }: ServiceEntry, host: string): readonly KnownPort[] {
  return spec.ports
    .map(({ number, name, protocol, targetPort }) => {
      const named = { port: number, name, ...(protocol === undefined ? {} : { appProtocol: protocol }) };
      return {
        key: `${host}:${number}`,
        port: number,
        name,
        targetPort: targetPort ?? number,
        protocol: protocolOf(named),
        ...(isTls(named) ? { tls: true as const } : {}),
      };
    })
    .sort((a, b) => a.port - b.port);
}

function addressesOf({ spec, status }: ServiceEntry, host: string, index: number): readonly string[] {
  const own = status.addresses.filter((each) => each.host === host).map(({ value }) => value);
  const texts = [...own, ...(index === 0 ? spec.addresses : [])];
  const known = texts.map((text) => canonicalAddress(text ?? '')).filter((address) => address !== undefined);
  return [...new Set(known)];
}

/** Endpoints that are written in the entry are as WorkloadEntries without names of their own. */
function inlineWorkloads({ metadata, spec }: ServiceEntry, trustDomain: string): readonly KnownWorkload[] {
  return spec.endpoints.flatMap((endpoint, index) => {
    const { namespace, creationTimestamp } = metadata;
    const name = `${metadata.name}-${index}`;
    const { labels } = endpoint;
    const workload = readWorkloadEntry(
      {
        apiVersion: 'networking.istio.io/v1',
        kind: 'WorkloadEntry',
        metadata: { namespace, name, creationTimestamp, labels, annotations: {} },
        spec: endpoint,
      },
      trustDomain,
    );
    return workload === undefined ? [] : [workload];
  });
}

function notServed(entry: ServiceEntry): Finding {
  const { resolution } = entry.spec;
  return {
    code: 'PTL1508',
    level: 'warning',
    resource: refOf(entry),
    path: 'spec.resolution',
    message: `ServiceEntry ${entry.metadata.name} has resolution ${resolution}, which is not served yet`,
    expected: 'STATIC, with endpoints or workloadSelector',
    came: resolution,
    effect: 'requests that are sent to the waypoint for its hosts are refused with 404',
    next: 'set resolution: STATIC and name endpoints, or do not enrol it',
  };
}

function wildcard(entry: ServiceEntry, index: number): Finding {
  const host = entry.spec.hosts[index]!;
  return {
    code: 'PTL1508',
    level: 'warning',
    resource: refOf(entry),
    path: `spec.hosts[${index}]`,
    message: `ServiceEntry ${entry.metadata.name}: host "${host}" is a wildcard, which is not served yet`,
    expected: 'a host without "*"',
    came: host,
    effect: 'requests for this host do not go through the waypoint',
    next: 'name each host that is to go through the waypoint',
  };
}

function withoutAddress(entry: ServiceEntry, host: string, index: number): Finding {
  const { addresses, hosts } = entry.spec;
  const shared = index > 0 && addresses.length > 0;
  return {
    code: shared ? 'PTL1509' : 'PTL1206',
    level: shared ? 'info' : 'warning',
    resource: refOf(entry),
    path: shared ? `spec.hosts[${index}]` : 'spec.addresses',
    message: shared
      ? `ServiceEntry ${entry.metadata.name}: host "${host}" has no address of its own`
      : `ServiceEntry ${entry.metadata.name} has no virtual address for host "${host}", so no waypoint can be asked for it`,
    expected: shared ? 'an address in status.addresses, or a ServiceEntry of its own' : 'an IP address, not a block',
    came: 'none',
    effect: shared
      ? `what is sent to the addresses of the entry is taken for requests to "${hosts[0]}"`
      : 'its traffic does not go through the waypoint',
    next: shared ? 'give each host a ServiceEntry of its own where that matters' : 'add spec.addresses',
  };
}
