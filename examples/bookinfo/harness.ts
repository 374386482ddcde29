import type { IssuedCertificate } from '#admin/api.ts';
import { createHboneClient } from '#hbone/client.ts';
import type { SpiffeId } from '#model/identity.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import type { AppName } from './app.ts';
import { startPod, type PodSpec, type RunningPod } from './pod.ts';

export interface BookinfoOptions {
  /** Where callers enter the mesh, and who that must be: nobody else is let in to a pod. */
  readonly waypoint: { readonly host: string; readonly port: number; readonly identity: SpiffeId };
  readonly trustDomain: string;
  /** Virtual addresses by `name.namespace`. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly issue: (identity: SpiffeId) => Promise<Pick<IssuedCertificate, 'certificate' | 'key' | 'roots'>>;
}

export interface Bookinfo {
  readonly pods: readonly RunningPod[];
  /** Ends every pod and every tunnel. May be called twice. */
  close(): Promise<void>;
}

const APPS: ReadonlySet<string> = new Set<AppName>(['productpage', 'details', 'reviews', 'ratings']);

/**
 * Starts every pod that the files name, as a kubelet and a ztunnel would: application, HBONE endpoint, identity.
 * Nothing is sent until somebody asks, so the waypoint may start after it. Rejects, and leaves nothing behind, when an
 * address cannot be had.
 */
export async function startBookinfo(
  resources: Pick<ResourceSet, 'of'>,
  options: Omit<BookinfoOptions, 'addresses'>,
): Promise<Bookinfo> {
  const client = createHboneClient();
  const settings: BookinfoOptions = { ...options, addresses: serviceAddresses(resources) };
  const starting = await Promise.allSettled(podsOf(resources).map((spec) => startPod(spec, settings, client)));
  const pods = starting.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const close = async (): Promise<void> => {
    await Promise.all(pods.map((pod) => pod.close()));
    await client.close(0);
  };
  const failed = starting.find((one) => one.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  return { pods, close };
}

function podsOf(resources: Pick<ResourceSet, 'of'>): readonly PodSpec[] {
  return resources.of('Pod').flatMap(({ metadata, spec, status }) => {
    const { app = '', version = 'v1' } = metadata.labels;
    const address = status.podIP;
    if (!APPS.has(app) || address === undefined) return [];
    return [
      {
        name: metadata.name,
        namespace: metadata.namespace,
        serviceAccount: spec.serviceAccountName ?? 'default',
        app: app as AppName,
        version,
        address,
        port: spec.containers[0]?.ports[0]?.containerPort ?? 9080,
      },
    ];
  });
}

function serviceAddresses(resources: Pick<ResourceSet, 'of'>): ReadonlyMap<string, string> {
  const addresses = new Map<string, string>();
  for (const { metadata, spec } of resources.of('Service')) {
    if (spec.clusterIP !== undefined) addresses.set(`${metadata.name}.${metadata.namespace}`, spec.clusterIP);
  }
  return addresses;
}
