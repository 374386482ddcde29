import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { openMesh, type MeshConnection, type MeshResponse } from '#cli/request.ts';
import { startMesh, type Mesh } from '#cli/mesh/mesh.ts';
import type { MeshEvent } from '#cli/mesh/event.ts';
import type { MeshOptions } from '#cli/mesh/options.ts';
import { createHboneClient, type HboneClient } from '#hbone/client.ts';
import type { HboneTls } from '#hbone/tls.ts';
import type { Authority } from '#identity/authority.ts';
import { openAuthority } from '#identity/authority-folder.ts';
import { spiffeId } from '#model/identity.ts';
import { findEnvoy } from '#proxy/find.ts';
import { startPod, type EchoPod, type PodOptions } from './pod.ts';

/** A request of a test; everything has a default but the service. */
export interface Call {
  /** `10.96.0.10:9080` */
  readonly to: string;
  /** `default/sleep` or a whole SPIFFE id. */
  readonly as?: string;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A whole mesh on loopback: the runtime as `portolan run` composes it, a real Envoy, and a pod for every Pod of the files. */
export interface TestMesh {
  readonly mesh: Mesh;
  readonly authority: Authority;
  readonly client: HboneClient;
  readonly waypoint: { readonly host: string; readonly port: number };
  readonly events: readonly MeshEvent[];
  readonly state: string;
  pod(name: string): EchoPod;
  /** Writes a file of resources; the watch sees it. */
  write(name: string, text: string): void;
  /** Writes, and returns when every Envoy has accepted it. */
  apply(name: string, text: string): Promise<void>;
  settled(): Promise<void>;
  tls(identity: string): Promise<HboneTls>;
  /** A connection that is kept: its requests share tunnels. */
  open(to: string, as?: string): Promise<MeshConnection>;
  call(call: Call): Promise<MeshResponse>;
  /** Prometheus text. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

const TRUST_DOMAIN = 'cluster.local';

export async function startTestMesh(
  files: Readonly<Record<string, string>>,
  overrides: Partial<MeshOptions> = {},
  podOverrides: Readonly<Record<string, Partial<PodOptions>>> = {},
  /** Who signs pods and callers; the development CA of the mesh unless certificates come from files. */
  givenAuthority?: Authority,
): Promise<TestMesh> {
  const root = mkdtempSync(join(tmpdir(), 'portolan-mesh-'));
  const folder = join(root, 'files');
  const state = join(root, 'state');
  mkdirSync(folder);
  mkdirSync(state, { mode: 0o700 });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

  const authority = givenAuthority ?? (await openAuthority(join(state, 'ca'), TRUST_DOMAIN));
  const pods = new Map<string, EchoPod>();
  for (const options of podsOf(Object.values(files))) {
    pods.set(options.name, await startPod(authority, { ...options, ...podOverrides[options.name] }));
  }
  const events: MeshEvent[] = [];
  const bind = { address: '127.0.0.1', port: await freePort() };
  const mesh = await startMesh({
    paths: [folder],
    state,
    bind,
    page: { address: '127.0.0.1', port: await freePort() },
    trustDomain: TRUST_DOMAIN,
    envoy: await findEnvoy(),
    concurrency: 1,
    pathNormalization: 'STRICT',
    statistics: 'proxy',
    report: (event) => void events.push(event),
    ...overrides,
  });
  await mesh.ready();
  const client = createHboneClient();
  const waypoint = { host: bind.address, port: bind.port };

  const identityOf = (name: string): string => {
    const [namespace = '', account = ''] = name.split('/');
    return name.startsWith('spiffe://') ? name : spiffeId(TRUST_DOMAIN, namespace, account);
  };
  const issued = new Map<string, Promise<HboneTls>>();
  const issue = async (spiffe: string): Promise<HboneTls> => {
    const { certificate, key } = await authority.issue({ spiffeId: spiffe });
    return { cert: certificate, key, ca: authority.root };
  };
  const tls = (name: string): Promise<HboneTls> => {
    const spiffe = identityOf(name);
    const known = issued.get(spiffe) ?? issue(spiffe);
    issued.set(spiffe, known);
    return known;
  };
  const open = async (to: string, as = 'default/sleep'): Promise<MeshConnection> =>
    openMesh(client, { waypoint, authority: to, tls: await tls(as) });
  const settled = async (): Promise<void> => {
    const outcome = await mesh.running.settled(20_000);
    if (!outcome.settled) throw new Error(`not settled:\n${outcome.missing.join('\n')}`);
  };
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

  return {
    mesh,
    authority,
    client,
    waypoint,
    events,
    state,
    pod(name) {
      const pod = pods.get(name);
      if (!pod) throw new Error(`the files hold no pod ${name}`);
      return pod;
    },
    write,
    async apply(name, text) {
      write(name, text);
      await settled();
    },
    settled,
    tls,
    open,
    async call({ to, as, method = 'GET', path = '/', host = 'service', headers = {}, body }) {
      const connection = await open(to, as);
      try {
        return await connection.send({
          method,
          path,
          host,
          headers: Object.entries(headers),
          timeoutMs: 10_000,
          ...(body === undefined ? {} : { body }),
        });
      } finally {
        connection.close();
      }
    },
    async metrics() {
      const [status] = mesh.running.waypoints();
      return (await fetch(`${status?.page ?? ''}/stats/prometheus`)).text();
    },
    async stop() {
      await client.close(0);
      await mesh.stop({ drainMs: 0 });
      await Promise.all([...pods.values()].map((pod) => pod.close()));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

interface PodManifest {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly containers?: readonly { readonly ports?: readonly { readonly containerPort?: number }[] }[];
  };
  readonly status?: { readonly podIP?: string };
}

function podsOf(texts: readonly string[]): readonly PodOptions[] {
  const manifests = texts.flatMap((text) =>
    parseAllDocuments(text).map((document): PodManifest => document.toJS() ?? {}),
  );
  return manifests.flatMap(({ kind, metadata, spec, status }) =>
    kind !== 'Pod' || status?.podIP === undefined
      ? []
      : [
          {
            name: metadata?.name ?? '',
            namespace: metadata?.namespace ?? 'default',
            serviceAccount: spec?.serviceAccountName ?? 'default',
            address: status.podIP,
            port: spec?.containers?.[0]?.ports?.[0]?.containerPort ?? 8080,
            tunnel: metadata?.labels?.['istio.io/dataplane-mode'] === 'none' ? ('none' as const) : ('hbone' as const),
            tcp: metadata?.labels?.['test/tcp'] === 'true',
            h2c: metadata?.labels?.['test/h2c'] === 'true',
          },
        ],
  );
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
      .once('error', reject)
      .listen(0, '127.0.0.1', () => {
        const address = probe.address();
        probe.close(() =>
          typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
        );
      });
  });
}
