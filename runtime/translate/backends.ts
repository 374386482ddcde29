import type { Backend } from '#model/backend.ts';
import type { Finding } from '#model/finding.ts';
import { type BackendUse, makeBackend } from './backend.ts';
import { refOf } from './condition.ts';
import type { Destination } from './destination-rule.ts';
import { type Endpoints, endpointsOfSlices, endpointsOfWorkloads } from './endpoint.ts';
import { endpointsOfEntry } from './entry-endpoint.ts';
import type { Inventory } from './inventory.ts';
import { Memo } from './memo.ts';
import { compare } from './route-order.ts';
import type { KnownPort, KnownService } from './service.ts';

export interface BackendList {
  /** Sorted by name. */
  readonly backends: readonly Backend[];
  readonly findings: readonly Finding[];
}

export interface Backends {
  /** The backends of one waypoint or ingress (`owner`), from everything that names one. */
  make(
    owner: string,
    uses: readonly (readonly BackendUse[])[],
    inventory: Inventory,
    destinationOf: (service: string) => Destination | undefined,
    destinations: unknown,
  ): BackendList;
  sweep(): void;
}

/** What is remembered for one owner: lists are made again one by one, and each asks for its own parts alone. */
interface Parts {
  readonly endpoints: Memo<Endpoints>;
  readonly backends: Memo<Backend>;
}

/** Makes the part that turns uses into backends; one whose endpoints and rules are the same is the same object. */
export function createBackends(): Backends {
  const lists = new Memo<BackendList>();
  const parts = new Memo<Parts>();
  return {
    make(owner, uses, inventory, destinationOf, destinations) {
      const { endpoints, backends } = parts.get(owner, [], () => ({ endpoints: new Memo(), backends: new Memo() }));
      return lists.get(owner, [inventory.workloads, inventory.slices, destinations, ...uses], () => {
        const byName = new Map(uses.flat().map((use) => [use.name, use]));
        const findings: Finding[] = [];
        const list = [...byName.values()].map((use) => {
          const found = endpointsOf(use.service, use.port, inventory, endpoints);
          const destination = destinationOf(use.service.key);
          findings.push(...found.findings);
          if (found.endpoints.length === 0) findings.push(noEndpoints(use));
          const inputs = [use.service, use.port, use.subset, found, destination];
          return backends.get(use.name, inputs, () => makeBackend(use, found.endpoints, destination));
        });
        endpoints.sweep();
        backends.sweep();
        return { backends: list.sort((a, b) => compare(a.name, b.name)), findings };
      });
    },
    sweep() {
      lists.sweep();
      parts.sweep();
    },
  };
}

/** EndpointSlices decide when there are any; files often have pods alone, which are then selected as a cluster would. */
function endpointsOf(service: KnownService, port: KnownPort, inventory: Inventory, memo: Memo<Endpoints>): Endpoints {
  const key = `${service.key}:${port.port}`;
  const { slices, workloads } = inventory;
  const ofService = slices.get(service.key);
  if (ofService !== undefined) {
    const owners = (address: string) => workloads.at(address);
    return memo.get(key, [service, port, ...ofService, workloads], () =>
      endpointsOfSlices(service, port, ofService, owners),
    );
  }
  const selected = workloads.selected(service.name.namespace, service.selector);
  if (service.inline !== undefined) {
    const owners = (address: string) => workloads.at(address);
    return memo.get(key, [service, port, workloads], () => endpointsOfEntry(service, port, selected, owners));
  }
  return memo.get(key, [service, port, ...selected], () => endpointsOfWorkloads(service, port, selected));
}

function noEndpoints({ service, port }: BackendUse): Finding {
  return {
    code: 'PTL1215',
    level: 'warning',
    resource: refOf(service.service),
    path: service.inline === undefined ? 'spec.selector' : 'spec.endpoints',
    message: `${service.service.kind} ${service.name.name} has no endpoint that is ready for port ${port.port}`,
    expected: 'a pod with its labels, an address, and the target port',
    came: 'none',
    effect: 'requests to it are answered 503',
    next:
      service.inline === undefined
        ? `kubectl get endpointslices -n ${service.name.namespace} -l kubernetes.io/service-name=${service.name.name}`
        : 'add endpoints, or correct workloadSelector',
  };
}
