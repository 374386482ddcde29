import type { Backend } from '#model/backend.ts';
import type { Finding } from '#model/finding.ts';
import type { EndpointSlice } from '#resources/endpoint-slice.ts';
import { type BackendUse, makeBackend } from './backend.ts';
import { refOf } from './condition.ts';
import type { Destination } from './destination-rule.ts';
import { type Endpoints, endpointsOfSlices, endpointsOfWorkloads } from './endpoint.ts';
import { endpointsOfEntry } from './entry-endpoint.ts';
import type { Inventory, WorkloadIndex } from './inventory.ts';
import { equal, Memo, none, sameItems } from './memo.ts';
import { compare } from './route-order.ts';
import type { KnownPort, KnownService } from './service.ts';
import type { KnownWorkload } from './workload.ts';

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
    destinationOf: (service: KnownService) => Destination | undefined,
    destinations: unknown,
  ): BackendList;
  sweep(): void;
}

/** Makes the part that turns uses into backends; one whose endpoints and rules are the same is the same object. */
export function createBackends(): Backends {
  const owners = new Memo<OwnedBackends>();
  return {
    make: (owner, ...inputs) => owners.get(owner, none, newOwned).make(...inputs),
    sweep: () => owners.sweep(),
  };
}

const newOwned = (): OwnedBackends => new OwnedBackends();

/** The endpoints of one port, and what they were made of. */
interface KnownEndpoints {
  service: KnownService;
  port: KnownPort;
  slices: readonly EndpointSlice[] | undefined;
  /** Those that the Service selects or, where addresses are written, all of them. */
  workloads: readonly KnownWorkload[];
  endpoints: Endpoints;
  round: number;
}

interface KnownBackend {
  use: BackendUse;
  endpoints: Endpoints;
  destination: Destination | undefined;
  backend: Backend;
  round: number;
}

/** What is remembered for one owner: a list is made again as a whole, and each of its backends asks for its own parts alone. */
class OwnedBackends {
  readonly #endpoints = new Map<string, KnownEndpoints>();
  readonly #backends = new Map<string, KnownBackend>();
  #round = 0;
  #uses: readonly (readonly BackendUse[])[] = [];
  #around: readonly unknown[] = [];
  #list: BackendList | undefined;

  make(
    uses: readonly (readonly BackendUse[])[],
    inventory: Inventory,
    destinationOf: (service: KnownService) => Destination | undefined,
    destinations: unknown,
  ): BackendList {
    const around = [inventory.workloads, inventory.slices, destinations];
    const same = sameItems(this.#around, around) && sameItems(this.#uses, uses);
    this.#uses = uses;
    this.#around = around;
    if (this.#list === undefined || !same) this.#list = this.#make(inventory, destinationOf);
    return this.#list;
  }

  #make(
    { workloads, slices }: Inventory,
    destinationOf: (service: KnownService) => Destination | undefined,
  ): BackendList {
    const round = ++this.#round;
    const findings: Finding[] = [];
    const backends: Backend[] = [];
    for (const list of this.#uses) {
      for (const use of list) {
        let known = this.#backends.get(use.name);
        // Equal names mean equal backends.
        if (known?.round === round) continue;
        const endpoints = this.#endpointsOf(use, workloads, slices.get(use.service.key));
        const destination = destinationOf(use.service);
        if (endpoints.findings.length > 0) findings.push(...endpoints.findings);
        if (endpoints.endpoints.length === 0) findings.push(noEndpoints(use));
        if (known === undefined) {
          known = { use, endpoints, destination, backend: makeBackend(use, endpoints.endpoints, destination), round };
          this.#backends.set(use.name, known);
        } else if (known.endpoints !== endpoints || known.destination !== destination || !sameUse(known.use, use)) {
          const backend = makeBackend(use, endpoints.endpoints, destination);
          if (!equal(known.backend, backend)) known.backend = backend;
          known.use = use;
          known.endpoints = endpoints;
          known.destination = destination;
        }
        known.round = round;
        backends.push(known.backend);
      }
    }
    sweep(this.#endpoints, round);
    sweep(this.#backends, round);
    return { backends: backends.sort((a, b) => compare(a.name, b.name)), findings };
  }

  /** EndpointSlices decide when there are any; files often have pods alone, which are then selected as a cluster would. */
  #endpointsOf(
    { service, port }: BackendUse,
    index: WorkloadIndex,
    slices: readonly EndpointSlice[] | undefined,
  ): Endpoints {
    const known = this.#endpoints.get(port.key);
    // Subsets of a port follow one another.
    if (known?.round === this.#round && known.port === port) return known.endpoints;
    // Who is at an address counts where addresses are written.
    const written = slices !== undefined || service.inline !== undefined;
    const selected = slices === undefined ? index.selected(service.name.namespace, service.selector) : none;
    const workloads = written ? index.all : selected;
    if (
      known !== undefined &&
      known.service === service &&
      known.port === port &&
      (written
        ? known.workloads === workloads && sameItems(known.slices ?? none, slices ?? none)
        : known.slices === undefined && sameItems(known.workloads, workloads))
    ) {
      known.round = this.#round;
      return known.endpoints;
    }
    const owners = (address: string) => index.at(address);
    const made =
      slices !== undefined
        ? endpointsOfSlices(service, port, slices, owners)
        : service.inline !== undefined
          ? endpointsOfEntry(service, port, selected, owners)
          : endpointsOfWorkloads(service, port, selected);
    const endpoints = known !== undefined && equal(known.endpoints, made) ? known.endpoints : made;
    this.#endpoints.set(port.key, { service, port, slices, workloads, endpoints, round: this.#round });
    return endpoints;
  }
}

const sameUse = (a: BackendUse, b: BackendUse): boolean =>
  a.service === b.service && a.port === b.port && a.subset === b.subset;

function sweep(entries: Map<string, { readonly round: number }>, round: number): void {
  for (const [key, entry] of entries) if (entry.round !== round) entries.delete(key);
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
