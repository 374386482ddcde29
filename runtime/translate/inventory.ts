import type { EndpointSlice } from '#resources/endpoint-slice.ts';
import type { GatewayClass } from '#resources/gateway-class.ts';
import type { Namespace } from '#resources/namespace.ts';
import type { Pod } from '#resources/pod.ts';
import type { ReferenceGrant } from '#resources/reference-grant.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import type { Service } from '#resources/service.ts';
import type { WorkloadEntry } from '#resources/workload-entry.ts';
import { hasLabels, label, type Labels } from './label-selector.ts';
import { ListMemo, Memo, step } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import { readService, type KnownService } from './service.ts';
import { readPod, readWorkloadEntry, type KnownWorkload } from './workload.ts';

/** The resources that others refer to, found by name. Each part is the same object while what it is made of is. */
export interface Inventory {
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly classes: ReadonlyMap<string, GatewayClass>;
  /** By `namespace/name`. */
  readonly services: ReadonlyMap<string, KnownService>;
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

/** Pods and WorkloadEntries by address and by label. */
export class WorkloadIndex {
  /** Pods by namespace and name, then WorkloadEntries. */
  readonly all: readonly KnownWorkload[];
  readonly #byAddress = new Map<string, KnownWorkload[]>();
  readonly #byLabel = new Map<string, KnownWorkload[]>();

  constructor(all: readonly KnownWorkload[]) {
    this.all = all;
    for (const workload of all) {
      for (const { address } of workload.workloads) push(this.#byAddress, address, workload);
      for (const key of Object.keys(workload.labels)) {
        push(this.#byLabel, `${workload.namespace} ${key}=${workload.labels[key]}`, workload);
      }
    }
  }

  at(address: string): readonly KnownWorkload[] {
    return this.#byAddress.get(address) ?? [];
  }

  /** Those of a namespace that have all labels of a selector; an empty selector selects none, as in a Service. */
  selected(namespace: string, selector: Labels): readonly KnownWorkload[] {
    let fewest: readonly KnownWorkload[] | undefined;
    const keys = Object.keys(selector);
    for (const key of keys) {
      const some = this.#byLabel.get(`${namespace} ${key}=${selector[key]}`) ?? [];
      if (fewest === undefined || some.length < fewest.length) fewest = some;
    }
    if (fewest === undefined || keys.length === 1) return fewest ?? [];
    return fewest.filter(({ labels }) => hasLabels(labels, selector));
  }
}

export function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** Makes the first step of a translation. */
export function createInventory(options: TranslateOptions): (resources: ResourceSet) => Inventory {
  const { clusterDomain, trustDomain } = options;
  const known = new WeakMap<Service, KnownService>();
  const pods = new Memo<KnownWorkload | undefined>();
  const entries = new Memo<KnownWorkload | undefined>();

  const readOnce = (service: Service): KnownService => {
    let value = known.get(service);
    if (value === undefined) known.set(service, (value = readService(service, clusterDomain)));
    return value;
  };

  const namespaces = step((all: readonly Namespace[]) => byName(all));
  const classes = step((all: readonly GatewayClass[]) => byName(all));
  const services = step((all: readonly Service[]) => new Map(all.map((each) => [keyOf(each), readOnce(each)])));
  const grants = grouping(({ metadata }: ReferenceGrant) => metadata.namespace);
  const slices = grouping(serviceOfSlice);
  const workloads = step(
    (allPods: readonly Pod[], allEntries: readonly WorkloadEntry[], names: ReadonlyMap<string, Namespace>) => {
      const found: KnownWorkload[] = [];
      for (const pod of allPods) {
        const labels = namespaceLabels({ namespaces: names }, pod.metadata.namespace);
        const workload = pods.get(keyOf(pod), [pod, labels], () => readPod(pod, labels, trustDomain));
        if (workload !== undefined) found.push(workload);
      }
      for (const entry of allEntries) {
        const workload = entries.get(keyOf(entry), [entry], () => readWorkloadEntry(entry, trustDomain));
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
      services: services(resources.of('Service')),
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
function grouping<T>(
  key: (each: T) => string | undefined,
): (all: readonly T[]) => ReadonlyMap<string, readonly T[]> {
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
