import type { WorkloadLabels } from '#model/backend.ts';
import { spiffeId } from '#model/identity.ts';
import type { Workload } from '#model/waypoint.ts';
import type { Pod } from '#resources/pod.ts';
import type { WorkloadEntry } from '#resources/workload-entry.ts';
import { canonicalAddress } from './ip-address.ts';
import { label, type Labels } from './label-selector.ts';
import { workloadName } from './workload-name.ts';

/** A pod or WorkloadEntry that has an address, and what translation needs to know of it. */
export interface KnownWorkload {
  readonly kind: 'Pod' | 'WorkloadEntry';
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  /** May be given new requests. */
  readonly ready: boolean;
  /** One for each address; the first is the one that endpoints use. */
  readonly workloads: readonly [Workload, ...Workload[]];
  /** Ports by name: of containers, or of a WorkloadEntry. */
  readonly ports: ReadonlyMap<string, number>;
  readonly weight: number;
}

/** Undefined: the pod has no address (yet, or any more). Pods on the host's network are not captured by the mesh. */
export function readPod(pod: Pod, namespaceLabels: Labels, trustDomain: string): KnownWorkload | undefined {
  const { metadata, spec, status } = pod;
  const addresses = addressesOf(status);
  if (addresses.length === 0 || status.phase === 'Succeeded' || status.phase === 'Failed') return undefined;
  const tunnel = spec.hostNetwork === true ? 'none' : podTunnel(pod, namespaceLabels);
  const identity = spiffeId(trustDomain, metadata.namespace, spec.serviceAccountName || 'default');
  const labels = workloadLabels(metadata.labels, workloadName(pod), metadata.namespace);
  const workloads = addresses.map((address) => ({ address, tunnel, identity, labels }) as const);
  return {
    kind: 'Pod',
    namespace: metadata.namespace,
    name: metadata.name,
    labels: metadata.labels,
    ready: isReady(pod),
    workloads: workloads as [Workload, ...Workload[]],
    ports: namedPorts(spec),
    weight: 1,
  };
}

/** Undefined: its address is no IP address, which an endpoint needs. A machine is never captured by its namespace. */
export function readWorkloadEntry(entry: WorkloadEntry, trustDomain: string): KnownWorkload | undefined {
  const { metadata, spec } = entry;
  const address = canonicalAddress(spec.address ?? '');
  if (address === undefined) return undefined;
  const labels = { ...spec.labels, ...metadata.labels };
  const tunnel = ownTunnel(labels, metadata.annotations) ? 'hbone' : 'none';
  const identity = spiffeId(trustDomain, metadata.namespace, spec.serviceAccount || 'default');
  const named = workloadLabels(labels, metadata.name, metadata.namespace);
  return {
    kind: 'WorkloadEntry',
    namespace: metadata.namespace,
    name: metadata.name,
    labels,
    ready: true,
    workloads: [{ address, tunnel, identity, labels: named }],
    ports: new Map(Object.entries(spec.ports)),
    weight: spec.weight ?? 1,
  };
}

const noPorts: ReadonlyMap<string, number> = new Map();

/** Ports of containers and sidecars by name; the first of a name counts. */
function namedPorts({ containers, initContainers }: Pod['spec']): ReadonlyMap<string, number> {
  let ports: Map<string, number> | undefined;
  for (const container of containers) ports = withPorts(container, ports);
  for (const container of initContainers) if (container.restartPolicy === 'Always') ports = withPorts(container, ports);
  return ports ?? noPorts;
}

function withPorts(
  container: Pod['spec']['containers'][number],
  ports: Map<string, number> | undefined,
): Map<string, number> | undefined {
  let known = ports;
  for (const { name, containerPort } of container.ports) {
    if (name === undefined || known?.has(name)) continue;
    known ??= new Map();
    known.set(name, containerPort);
  }
  return known;
}

/** Canonical, each once, the pod's own first. */
function addressesOf({ podIP, podIPs }: Pod['status']): readonly string[] {
  const found: string[] = [];
  if (podIP !== undefined) addAddress(podIP, found);
  for (const { ip } of podIPs) addAddress(ip, found);
  return found;
}

function addAddress(text: string, found: string[]): void {
  if (found.includes(text)) return;
  const address = canonicalAddress(text);
  if (address !== undefined && !found.includes(address)) found.push(address);
}

function podTunnel(pod: Pod, namespaceLabels: Labels): Workload['tunnel'] {
  const mode = label(pod.metadata.labels, 'istio.io/dataplane-mode');
  if (ownTunnel(pod.metadata.labels, pod.metadata.annotations)) return 'hbone';
  return (mode ?? label(namespaceLabels, 'istio.io/dataplane-mode')) === 'ambient' ? 'hbone' : 'none';
}

/** Speaks HBONE by itself, or is captured although no label says so. */
function ownTunnel(labels: Labels, annotations: Labels): boolean {
  return (
    label(labels, 'networking.istio.io/tunnel') === 'http' ||
    label(annotations, 'ambient.istio.io/redirection') === 'enabled'
  );
}

/**
 * A pod written by hand has no conditions: it counts as ready while it runs. One that is to be deleted may go at any
 * moment, and gets nothing new, though it may say for a while that it is ready.
 */
function isReady(pod: Pod): boolean {
  const { conditions, phase } = pod.status;
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined ? phase === undefined || phase === 'Running' : ready.status === 'True';
}

function workloadLabels(labels: Labels, name: string, namespace: string): WorkloadLabels {
  return {
    name,
    namespace,
    app:
      label(labels, 'service.istio.io/canonical-name') ??
      label(labels, 'app.kubernetes.io/name') ??
      label(labels, 'app') ??
      name,
    version:
      label(labels, 'service.istio.io/canonical-revision') ??
      label(labels, 'app.kubernetes.io/version') ??
      label(labels, 'version') ??
      'latest',
  };
}
