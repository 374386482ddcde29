import type { EndpointSlice } from '#resources/endpoint-slice.ts';
import type { GatewayClass } from '#resources/gateway-class.ts';
import type { Namespace } from '#resources/namespace.ts';
import type { Pod } from '#resources/pod.ts';
import type { ReferenceGrant } from '#resources/reference-grant.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import type { ServiceEntry } from '#resources/service-entry.ts';
import type { Service } from '#resources/service.ts';
import type { WorkloadEntry } from '#resources/workload-entry.ts';
import { hasLabels, label, type Labels } from './label-selector.ts';
import { ListMemo, none, ResourceMemo, step } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import { readServiceEntry } from './service-entry.ts';
import { readService, type KnownService } from './service.ts';
import { readPod, readWorkloadEntry, type KnownWorkload } from './workload.ts';
import { Services } from './services.ts';

/** The resources that others refer to, found by name. Each part is the same object while what it is made of is. */
export interface Inventory {
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly classes: ReadonlyMap<string, GatewayClass>;
  readonly services: Services;
  /** By the namespace that grants. */
  readonly grants: ReadonlyMap<string, readonly ReferenceGrant[]>;
  readonly workloads: WorkloadIndex;
  /** By the `namespace/name` of their Service. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
}

const noLabels: Labels = {};

export function namespaceLabels(inventory: Pick<Inventory, 'namespaces'>, namespace: string): Labels {
  return inventory.namespaces.get(namespace)?.metadata.labels ?? noLabels;
}

/** Pods and WorkloadEntries by address and by label. Labels are indexed when a selector first asks for one. */
export class WorkloadIndex {
  /** Pods by namespace and name, then WorkloadEntries. */
  readonly all: readonly KnownWorkload[];
  readonly #byNamespace = new Map<string, KnownWorkload[]>();
  readonly #byLabel = new Map<string, Map<string, ReadonlyMap<string, readonly KnownWorkload[]>>>();
  #byAddress: ReadonlyMap<string, readonly KnownWorkload[]> | undefined;

  constructor(all: readonly KnownWorkload[]) {
    this.all = all;
    for (const workload of all) push(this.#byNamespace, workload.namespace, workload);
  }

  at(address: string): readonly KnownWorkload[] {
    if (this.#byAddress === undefined) {
      const found = new Map<string, KnownWorkload[]>();
      for (const workload of this.all) for (const each of workload.workloads) push(found, each.address, workload);
      this.#byAddress = found;
    }
    return this.#byAddress.get(address) ?? none;
  }

  /** Those of a namespace that have all labels of a selector; an empty selector selects none, as in a Service. */
  selected(namespace: string, selector: Labels): readonly KnownWorkload[] {
    let fewest: readonly KnownWorkload[] | undefined;
    const keys = Object.keys(selector);
    for (const key of keys) {
      const some = this.#labelled(namespace, key).get(selector[key]!) ?? none;
      if (fewest === undefined || some.length < fewest.length) fewest = some;
    }
    if (fewest === undefined || keys.length === 1) return fewest ?? none;
    return fewest.filter(({ labels }) => hasLabels(labels, selector));
  }

  #labelled(namespace: string, key: string): ReadonlyMap<string, readonly KnownWorkload[]> {
    let ofNamespace = this.#byLabel.get(namespace);
    if (ofNamespace === undefined) this.#byLabel.set(namespace, (ofNamespace = new Map()));
    const known = ofNamespace.get(key);
    if (known !== undefined) return known;
    const values = new Map<string, KnownWorkload[]>();
    for (const workload of this.#byNamespace.get(namespace) ?? none) {
      const value = label(workload.labels, key);
      if (value !== undefined) push(values, value, workload);
    }
    ofNamespace.set(key, values);
    return values;
  }
}

export function push<K, T>(map: Map<K, T[]>, key: K, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  // A list that grows by itself takes room for many; most have one or two items.
  else if (list.length === 1) map.set(key, [list[0]!, value]);
  else list.push(value);
}

/** Makes the first step of a translation. */
export function createInventory(options: TranslateOptions): (resources: ResourceSet) => Inventory {
  const { clusterDomain, trustDomain } = options;
  const known = new ResourceMemo<KnownService>();
  const hosts = new ResourceMemo<readonly KnownService[]>();
  const pods = new ResourceMemo<KnownWorkload | undefined>();
  const entries = new ResourceMemo<KnownWorkload | undefined>();

  const namespaces = step((all: readonly Namespace[]) => byName(all));
  const classes = step((all: readonly GatewayClass[]) => byName(all));
  const services = step((all: readonly Service[], external: readonly ServiceEntry[]) => {
    const found = all.map((each) => known.get(each.metadata, [each], () => readService(each, clusterDomain)));
    known.sweep();
    const entries = external.flatMap((each) =>
      hosts.get(each.metadata, [each], () => readServiceEntry(each, trustDomain)),
    );
    hosts.sweep();
    return new Services([...found, ...entries]);
  });
  const grants = grouping(({ metadata }: ReferenceGrant) => metadata.namespace);
  const slices = grouping(serviceOfSlice);
  const workloads = step(
    (allPods: readonly Pod[], allEntries: readonly WorkloadEntry[], names: ReadonlyMap<string, Namespace>) => {
      const found: KnownWorkload[] = [];
      for (const pod of allPods) {
        const labels = namespaceLabels({ namespaces: names }, pod.metadata.namespace);
        const workload = pods.get(pod.metadata, [pod, labels], () => readPod(pod, labels, trustDomain));
        if (workload !== undefined) found.push(workload);
      }
      for (const entry of allEntries) {
        const workload = entries.get(entry.metadata, [entry], () => readWorkloadEntry(entry, trustDomain));
        if (workload !== undefined) found.push(workload);
      }
      pods.sweep();
      entries.sweep();
      return new WorkloadIndex(found);
    },
  );

  return (resources) => {
    const names = namespaces(resources.of('Namespace'));
    return {
      namespaces: names,
      classes: classes(resources.of('GatewayClass')),
      services: services(resources.of('Service'), resources.of('ServiceEntry')),
      grants: grants(resources.of('ReferenceGrant')),
      workloads: workloads(resources.of('Pod'), resources.of('WorkloadEntry'), names),
      slices: slices(resources.of('EndpointSlice')),
    };
  };
}

interface Named {
  readonly metadata: { readonly namespace: string; readonly name: string };
}

export const keyOf = ({ metadata }: Named): string => `${metadata.namespace}/${metadata.name}`;

const byName = <T extends Named>(all: readonly T[]): ReadonlyMap<string, T> =>
  new Map(all.map((each) => [each.metadata.name, each]));

function serviceOfSlice({ metadata }: EndpointSlice): string | undefined {
  const service = label(metadata.labels, 'kubernetes.io/service-name');
  return service === undefined ? undefined : `${metadata.namespace}/${service}`;
}

/** Lists under each key, which keep their identity while their items do. */
function grouping<T>(key: (each: T) => string | undefined): (all: readonly T[]) => ReadonlyMap<string, readonly T[]> {
  const lists = new ListMemo();
  return step((all) => {
    const groups = new Map<string, T[]>();
    for (const each of all) {
      const group = key(each);
      if (group !== undefined) push(groups, group, each);
    }
    const kept = new Map<string, readonly T[]>();
    for (const [group, list] of groups) kept.set(group, lists.keep(group, list));
    lists.sweep();
    return kept;
  });
}
