import type { Finding } from '#model/finding.ts';
import { type Endpoints, knownEndpoint, portOf, sorted, unusedAddress } from './endpoint.ts';
import { unroutable } from './ip-address.ts';
import type { KnownPort, KnownService } from './service.ts';
import type { KnownWorkload } from './workload.ts';

/**
 * Endpoints of one port of a ServiceEntry: what it selects, and what is written in it. As for EndpointSlices, an address
 * of another namespace's workload is nothing that its author may send our requests to.
 */
export function endpointsOfEntry(
  { service, inline = [] }: KnownService,
  port: KnownPort,
  selected: readonly KnownWorkload[],
  owners: (address: string) => readonly KnownWorkload[],
): Endpoints {
  const findings: Finding[] = [];
  const { namespace } = service.metadata;
  const written = inline.flatMap((workload, index) => {
    const [{ address }] = workload.workloads;
    const all = owners(address);
    const owner = all.find((each) => each.namespace === namespace);
    const reserved = unroutable(address);
    const why =
      owner !== undefined
        ? undefined
        : all[0] !== undefined
          ? `belongs to ${all[0].kind} ${all[0].namespace}/${all[0].name} of another namespace`
          : reserved === undefined
            ? undefined
            : `is a ${reserved} address`;
    if (why !== undefined) {
      findings.push(unusedAddress(service, `spec.endpoints[${index}].address`, address, why));
      return [];
    }
    const number = portOf(workload, port);
    if (number === undefined) return [];
    const at = owner?.workloads.find((each) => each.address === address);
    return [knownEndpoint(owner ?? workload, at ?? workload.workloads[0], number)];
  });
  const chosen = selected.flatMap((workload) => {
    const number = workload.ready ? portOf(workload, port) : undefined;
    return number === undefined ? [] : [knownEndpoint(workload, workload.workloads[0], number)];
  });
  return { endpoints: sorted([...written, ...chosen]), findings };
}
