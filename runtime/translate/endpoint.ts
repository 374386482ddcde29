import type { Endpoint } from '#model/backend.ts';
import type { Finding } from '#model/finding.ts';
import type { Workload } from '#model/waypoint.ts';
import type { EndpointSlice } from '#resources/endpoint-slice.ts';
import { none } from './memo.ts';
import { compare } from './route-order.ts';
import { refOf } from './condition.ts';
import { canonicalAddress, unroutable } from './ip-address.ts';
import type { KnownPort, KnownService } from './service.ts';
import type { KnownWorkload } from './workload.ts';

/** An endpoint and the workload that it is, which subsets choose by its labels. */
export interface KnownEndpoint {
  readonly endpoint: Endpoint;
  /** Undefined: an address outside the mesh, which is in no subset. */
  readonly workload: KnownWorkload | undefined;
}

export interface Endpoints {
  readonly endpoints: readonly KnownEndpoint[];
  readonly findings: readonly Finding[];
}

/**
 * Endpoints of one port, from the workloads that the Service selects. Sorted by address and port. A Service with
 * publishNotReadyAddresses has all of them, as its EndpointSlices would.
 */
export function endpointsOfWorkloads(
  { allWorkloads }: KnownService,
  port: KnownPort,
  workloads: readonly KnownWorkload[],
): Endpoints {
  const endpoints: KnownEndpoint[] = [];
  for (const workload of workloads) {
    const number = workload.ready || allWorkloads ? portOf(workload, port) : undefined;
    if (number !== undefined) endpoints.push(knownEndpoint(workload, workload.workloads[0], number));
  }
  return { endpoints: sorted(endpoints), findings: none };
}

export function portOf(workload: KnownWorkload, port: KnownPort): number | undefined {
  const own = workload.kind === 'WorkloadEntry' ? workload.ports.get(port.name ?? '') : undefined;
  if (own !== undefined) return own;
  return typeof port.targetPort === 'number' ? port.targetPort : workload.ports.get(port.targetPort);
}

export const knownEndpoint = (workload: KnownWorkload, at: Workload, port: number): KnownEndpoint => ({
  endpoint: {
    address: at.address,
    port,
    tunnel: at.tunnel,
    identity: at.identity,
    workload: at.labels,
    weight: workload.weight,
  },
  workload,
});

/**
 * Whether a slice offers an endpoint for new requests. Istio's reading: what is not said to be unready is ready, also
 * where the pod is about to go (a Service with publishNotReadyAddresses asks for that); an endpoint that is terminating
 * and still serves is not used, not even when there is no other, which only kube-proxy does.
 */
const isOffered = ({ conditions }: EndpointSlice['spec']['endpoints'][number]): boolean => conditions?.ready !== false;

/**
 * Endpoints of one port, from EndpointSlices. Anybody who may write slices could aim a service at any address, so an
 * address is used as a member of the mesh only when it belongs to a workload of the service's namespace; one of
 * another namespace or one that no other machine can have is not used at all; an unknown one is reached without mTLS.
 */
export function endpointsOfSlices(
  service: KnownService,
  port: KnownPort,
  slices: readonly EndpointSlice[],
  owners: (address: string) => readonly KnownWorkload[],
): Endpoints {
  const endpoints = new Map<string, KnownEndpoint>();
  const findings: Finding[] = [];
  for (const slice of slices) {
    const number = slice.spec.ports.find(
      ({ name, protocol }) => (name || undefined) === port.name && protocol === 'TCP',
    )?.port;
    if (number === undefined) continue;
    slice.spec.endpoints.forEach((entry, index) => {
      if (!isOffered(entry)) return;
      for (const text of entry.addresses) {
        const place = { slice, path: `endpoints[${index}].addresses`, text };
        const found = endpointAt(service, number, place, owners);
        if (found.finding !== undefined) findings.push(found.finding);
        if (found.endpoint !== undefined) endpoints.set(`${found.endpoint.endpoint.address} ${number}`, found.endpoint);
      }
    });
  }
  return { endpoints: sorted([...endpoints.values()]), findings };
}

interface Place {
  readonly slice: EndpointSlice;
  readonly path: string;
  readonly text: string;
}

function endpointAt(
  service: KnownService,
  port: number,
  place: Place,
  owners: (address: string) => readonly KnownWorkload[],
): { readonly endpoint?: KnownEndpoint; readonly finding?: Finding } {
  const address = canonicalAddress(place.text);
  if (address === undefined) return { finding: unused(place, 'is not an IP address') };
  const all = owners(address);
  const owner = all.find(({ namespace }) => namespace === service.name.namespace);
  if (owner !== undefined) {
    return {
      endpoint: knownEndpoint(
        owner,
        owner.workloads.find((workload) => workload.address === address)!,
        port,
      ),
    };
  }
  const other = all[0];
  if (other !== undefined) {
    return { finding: unused(place, `belongs to ${other.kind} ${other.namespace}/${other.name} of another namespace`) };
  }
  const reserved = unroutable(address);
  if (reserved !== undefined) return { finding: unused(place, `is a ${reserved} address`) };
  return { endpoint: outside(service, address, port), finding: unknown(place) };
}

/** Not in the mesh: reached by plain TCP, and therefore expected to prove nothing. */
function outside(service: KnownService, address: string, port: number): KnownEndpoint {
  const { name, namespace } = service.name;
  const workload = { name, namespace, app: name, version: 'latest' };
  return { endpoint: { address, port, tunnel: 'none', identity: '', workload, weight: 1 }, workload: undefined };
}

const unused = ({ slice, path, text }: Place, why: string): Finding => unusedAddress(slice, path, text, why);

export function unusedAddress(
  resource: EndpointSlice | KnownService['service'],
  path: string,
  text: string,
  why: string,
): Finding {
  return {
    code: 'PTL1207',
    level: 'error',
    resource: refOf(resource),
    path,
    message: `endpoint address "${text}" is not used: it ${why}`,
    expected: "an address of a pod or WorkloadEntry of the service's own namespace",
    came: text,
    effect: 'no request is sent to this address',
    next: `remove it from the ${resource.kind}, or let the service select its pods`,
  };
}

function unknown(place: Place): Finding {
  return {
    code: 'PTL1208',
    level: 'warning',
    resource: refOf(place.slice),
    path: place.path,
    message: `endpoint address "${place.text}" belongs to no pod or WorkloadEntry`,
    expected: 'an address of a known workload',
    came: place.text,
    effect: 'it is reached by plain TCP, without mutual TLS',
    next: 'add a WorkloadEntry with this address when it is a member of the mesh',
  };
}

export function sorted(endpoints: KnownEndpoint[]): readonly KnownEndpoint[] {
  if (endpoints.length < 2) return endpoints;
  return endpoints.sort(({ endpoint: a }, { endpoint: b }) => compare(a.address, b.address) || a.port - b.port);
}
