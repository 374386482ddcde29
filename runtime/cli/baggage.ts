import type { WorkloadLabels } from '#model/backend.ts';
import type { SpiffeId } from '#model/identity.ts';
import type { Waypoint } from '#model/waypoint.ts';

/** What ztunnel tells the waypoint of a caller with CONNECT; metrics take the source's labels from it. */
export function baggage({ name, namespace, app, version }: WorkloadLabels): Readonly<Record<string, string>> {
  const entries = [
    ['k8s.cluster.name', 'Kubernetes'],
    ['k8s.namespace.name', namespace],
    ['k8s.deployment.name', name],
    ['service.name', app],
    ['service.version', version],
  ] as const;
  return { baggage: entries.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join(',') };
}

/** The same for an identity, if a workload of the files has it; nothing otherwise. */
export function baggageOf({ sources }: Waypoint, identity: SpiffeId): Readonly<Record<string, string>> {
  const workload = sources.find((source) => source.identity === identity);
  return workload === undefined ? {} : baggage(workload.labels);
}
