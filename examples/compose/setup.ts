import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { createAuthority, type Authority } from '#identity/authority.ts';
import { spiffeId, type SpiffeId } from '#model/identity.ts';
import { ztunnelBootstrap, type Ztunnel } from './ztunnel.ts';

/**
 * Prepares the volume that all containers of docker-compose.yml share:
 *
 *   /mesh/manifests/*.yaml       Bookinfo's resources, each pod at the address of its container
 *   /mesh/certs/<name>/          tls.crt, tls.key and root.crt of a workload
 *   /mesh/ztunnel/<name>.json    bootstrap of the Envoy in place of ztunnel
 */

const TRUST_DOMAIN = 'cluster.local';
const NAMESPACE = 'bookinfo';
const APP_PORT = 9080;

/** Container addresses of docker-compose.yml; the folder's own pods are on loopback. */
export const CONTAINERS: Readonly<Record<string, string>> = {
  'productpage-v1': '172.30.77.21',
  'details-v1': '172.30.77.22',
  'ratings-v1': '172.30.77.23',
  'reviews-v1': '172.30.77.31',
  'reviews-v2': '172.30.77.32',
  'reviews-v3': '172.30.77.33',
};
const WAYPOINT = '172.30.77.10';

/** Callers without a service of their own, and whom they call as: the one that productpage's policy lets in, and another. */
const CALLERS: Readonly<Record<string, string>> = {
  client: spiffeId(TRUST_DOMAIN, 'default', 'curl'),
  stranger: spiffeId(TRUST_DOMAIN, 'default', 'stranger'),
};

/** Loopback ports by which an application reaches a service; docker-compose.yml hands them to the applications. */
const OUTBOUND: Readonly<Record<string, number>> = {
  details: 15101,
  reviews: 15102,
  ratings: 15103,
  productpage: 15104,
};

interface Manifest {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string };
  readonly spec?: { readonly clusterIP?: string; readonly serviceAccountName?: string };
}

export async function setup(source: string, target: string): Promise<void> {
  const texts = readdirSync(source)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => ({ name, text: moved(readFileSync(join(source, name), 'utf8')) }));
  const manifests = texts.flatMap(({ text }) =>
    parseAllDocuments(text).map((document): Manifest => document.toJS() ?? {}),
  );

  for (const folder of ['manifests', 'certs', 'ztunnel']) mkdirSync(join(target, folder), { recursive: true });
  for (const { name, text } of texts) writeFileSync(join(target, 'manifests', name), text);

  const authority = await createAuthority(TRUST_DOMAIN);
  await writeCertificate(authority, target, 'waypoint', spiffeId(TRUST_DOMAIN, NAMESPACE, 'waypoint'));
  const pods = manifests.filter(
    (manifest) => manifest.kind === 'Pod' && CONTAINERS[manifest.metadata?.name ?? ''] !== undefined,
  );
  const workloads = [
    ...pods.map((pod) => ({
      name: pod.metadata?.name ?? '',
      identity: spiffeId(TRUST_DOMAIN, NAMESPACE, pod.spec?.serviceAccountName ?? 'default'),
      address: CONTAINERS[pod.metadata?.name ?? ''],
    })),
    ...Object.entries(CALLERS).map(([name, identity]) => ({ name, identity, address: undefined })),
  ];
  for (const { name, identity, address } of workloads) {
    await writeCertificate(authority, target, name, identity);
    const ztunnel: Ztunnel = {
      certificates: `/mesh/certs/${name}`,
      inbound: { address: address ?? '', ports: address === undefined ? [] : [APP_PORT] },
      outbound: outbound(manifests),
      waypoint: { address: WAYPOINT, identity: spiffeId(TRUST_DOMAIN, NAMESPACE, 'waypoint') },
      trustDomain: TRUST_DOMAIN,
    };
    writeFileSync(join(target, 'ztunnel', `${name}.json`), JSON.stringify(ztunnelBootstrap(ztunnel), null, 1));
  }
  console.log(`setup: ${texts.length} manifests, ${workloads.length + 1} identities`);
}

/** The manifests as they are, but for the addresses of their pods. */
function moved(text: string): string {
  return text
    .split(/^---$/m)
    .map((document) => {
      const manifest: Manifest = parseAllDocuments(document)[0]?.toJS() ?? {};
      const address = manifest.kind === 'Pod' ? CONTAINERS[manifest.metadata?.name ?? ''] : undefined;
      return address === undefined ? document : document.replace(/(podIP: *)[0-9.]+/, `$1${address}`);
    })
    .join('---');
}

function outbound(manifests: readonly Manifest[]): Ztunnel['outbound'] {
  return Object.entries(OUTBOUND).flatMap(([service, localPort]) => {
    const found = manifests.find((manifest) => manifest.kind === 'Service' && manifest.metadata?.name === service);
    return found?.spec?.clusterIP === undefined
      ? []
      : [{ localPort, authority: `${found.spec.clusterIP}:${APP_PORT}` }];
  });
}

async function writeCertificate(authority: Authority, target: string, name: string, identity: SpiffeId): Promise<void> {
  const folder = join(target, 'certs', name);
  mkdirSync(folder, { recursive: true });
  const issued = await authority.issue({ spiffeId: identity });
  writeFileSync(join(folder, 'tls.crt'), issued.certificate);
  writeFileSync(join(folder, 'tls.key'), issued.key, { mode: 0o600 });
  writeFileSync(join(folder, 'root.crt'), authority.root);
}
