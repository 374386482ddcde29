import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMesh, type MeshResponse } from '#cli/request.ts';
import { createHboneClient, type HboneClient } from '#hbone/client.ts';
import { HboneError } from '#hbone/error.ts';
import { listenHbone, type HboneServer } from '#hbone/server.ts';
import { splice } from '#hbone/splice.ts';
import type { HboneTls } from '#hbone/tls.ts';
import { createAuthority, type Authority } from '#identity/authority.ts';
import type { ResourceSet } from '#resources/resource-set.ts';
import { startBookinfo, type Bookinfo } from './harness.ts';
import { meshFolder } from './mesh-folder.ts';

// Of their own, so that a Bookinfo that somebody runs on this machine is not in the way.
const NETWORK = `127.${1 + (process.pid % 250)}.${Math.floor(process.pid / 250) % 250}`;
const WAYPOINT = 'spiffe://cluster.local/ns/bookinfo/sa/waypoint';
const HBONE_PORT = 15008;

interface Written {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: { readonly clusterIP?: string; readonly selector?: Readonly<Record<string, string>> };
}

const files = readdirSync(meshFolder()).map((name) => readFileSync(join(meshFolder(), name), 'utf8'));
const documents = files
  .flatMap((text) => parseAllDocuments(text.replaceAll('127.0.1.', `${NETWORK}.`)))
  .map((document) => document.toJS() as Written);
const resources = {
  of: (kind: string) => documents.filter((document) => document.kind === kind),
} as unknown as Pick<ResourceSet, 'of'>;

let authority: Authority;
let bookinfo: Bookinfo;
let waypoint: HboneServer;
let client: HboneClient;

const tlsOf = async (spiffeId: string): Promise<HboneTls> => {
  const { certificate, key } = await authority.issue({ spiffeId });
  return { cert: certificate, key, ca: authority.root };
};

/** Where the waypoint of this test sends a virtual address: no policy, no split, the first pod that is selected. */
function podOf(virtual: string): string {
  const service = documents.find(({ kind, spec }) => kind === 'Service' && spec.clusterIP === virtual);
  const pod = bookinfo.pods.find(({ spec }) => spec.app === service?.spec.selector?.['app']);
  return pod?.spec.address ?? '';
}

const options = () => ({
  waypoint: { host: waypoint.address.host, port: waypoint.address.port, identity: WAYPOINT },
  trustDomain: 'cluster.local',
  issue: async (spiffeId: string) => {
    const { certificate, key } = await authority.issue({ spiffeId });
    return { certificate, key, roots: authority.root };
  },
});

beforeAll(async () => {
  authority = await createAuthority('cluster.local');
  client = createHboneClient();
  const tls = await tlsOf(WAYPOINT);
  waypoint = await listenHbone({
    listen: { host: '127.0.0.1', port: 0 },
    tls,
    trustDomains: ['cluster.local'],
    target: ({ authority: { address, port } }) => ({
      stream: (inbound) => {
        const host = podOf(address);
        client.connect({ waypoint: { host, port: HBONE_PORT }, authority: `${host}:${port}`, tls }).then(
          (outbound) => splice(inbound, outbound),
          (error: Error) => inbound.destroy(error),
        );
      },
    }),
  });
  bookinfo = await startBookinfo(resources, options());
});

afterAll(async () => {
  await bookinfo.close();
  await client.close(0);
  await waypoint.close(0);
});

async function get(as: string, host: string, port: number, authorityText: string): Promise<MeshResponse> {
  const own = createHboneClient();
  const mesh = openMesh(own, { waypoint: { host, port }, authority: authorityText, tls: await tlsOf(as) });
  try {
    return await mesh.send({ method: 'GET', path: '/productpage', host: 'productpage', headers: [], timeoutMs: 5_000 });
  } finally {
    mesh.close();
    await own.close(0);
  }
}

describe('Bookinfo behind HBONE', () => {
  it('starts every pod of the files with its own identity', () => {
    const pods = bookinfo.pods.map(
      ({ spec, identity }) => `${spec.name} ${spec.address.split('.').at(-1)} ${identity}`,
    );
    expect(pods.sort()).toEqual([
      'details-v1 20 spiffe://cluster.local/ns/bookinfo/sa/details',
      'productpage-v1 10 spiffe://cluster.local/ns/bookinfo/sa/productpage',
      'ratings-v1 40 spiffe://cluster.local/ns/bookinfo/sa/ratings',
      'reviews-v1 31 spiffe://cluster.local/ns/bookinfo/sa/reviews',
      'reviews-v2 32 spiffe://cluster.local/ns/bookinfo/sa/reviews',
      'reviews-v3 33 spiffe://cluster.local/ns/bookinfo/sa/reviews',
    ]);
  });

  it('serves a page whose services call each other through the waypoint', async () => {
    const caller = 'spiffe://cluster.local/ns/default/sa/curl';
    const { status, headers, body } = await get(
      caller,
      waypoint.address.host,
      waypoint.address.port,
      '10.96.1.10:9080',
    );
    expect(status).toBe(200);
    expect(headers['x-served-by']).toBe('productpage-v1');
    expect(body.toString()).toContain('The Comedy of Errors');
    expect(body.toString()).toContain('An extremely entertaining play.');
  });

  it('lets nobody in to a pod but the waypoint, and only to its own address', async () => {
    const pod = `${NETWORK}.10`;
    const refused = async (as: string, authorityText: string): Promise<number | undefined> => {
      const error: unknown = await get(as, pod, HBONE_PORT, authorityText).then(
        () => new Error('let in'),
        (reason: unknown) => reason,
      );
      return error instanceof HboneError ? error.status : undefined;
    };
    expect(await refused('spiffe://cluster.local/ns/default/sa/curl', `${pod}:9080`)).toBe(403);
    expect(await refused(WAYPOINT, `${NETWORK}.20:9080`)).toBe(404);
    expect(await refused(WAYPOINT, `${pod}:22`)).toBe(404);
    expect((await get(WAYPOINT, pod, HBONE_PORT, `${pod}:9080`)).status).toBe(200);
  });

  it('says which address is taken when it runs already, and leaves the first as it was', async () => {
    await expect(startBookinfo(resources, options())).rejects.toThrow(
      /pod \S+ cannot listen on .*\n.*end the other Bookinfo/s,
    );
    expect((await get(WAYPOINT, `${NETWORK}.10`, HBONE_PORT, `${NETWORK}.10:9080`)).status).toBe(200);
  });
});
