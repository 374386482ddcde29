import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import type { Denial, DenialQuery, WaypointStatus } from '#admin/api.ts';
import { createEmitter } from '#envoy/index.ts';
import { DEFAULTS } from '#envoy/options.ts';
import type { Feature } from '#envoy/names.ts';
import { SECRET, type XdsSnapshot } from '#envoy/resource.ts';
import { BootstrapSchema } from '#gen/envoy/config/bootstrap/v3/bootstrap_pb.ts';
import { secrets } from '#identity/secrets.ts';
import type { CredentialSource } from '#identity/source.ts';
import type { Waypoint } from '#model/waypoint.ts';
import { headersKept } from '#policy/authz/header-name.ts';
import { STATS_TAGS } from '#policy/metrics/tags.ts';
import { bootstrap } from '#proxy/bootstrap.ts';
import { heapLimit } from '#proxy/heap-limit.ts';
import type { BindAddress } from '#proxy/prometheus.ts';
import { envoyFiles } from '#proxy/state.ts';
import { statsMatcher } from '#proxy/statistics.ts';
import type { StopOptions } from '#proxy/stop.ts';
import { supervise, type Supervisor } from '#proxy/supervise.ts';
import type { XdsServer } from '#xds/server.ts';
import { followDenials } from './denials.ts';
import type { MeshOptions } from './options.ts';
import { waypointKey } from './world.ts';

export interface ServedWaypoint {
  readonly key: string;
  /** Takes the waypoint's new meaning into service. Returns whether an Envoy is to hold anything else than before. */
  update(waypoint: Waypoint): boolean;
  status(): WaypointStatus;
  /** Requests that policies denied. */
  denials(query: DenialQuery): readonly Denial[];
  /** Resolves when Envoy serves; at once where somebody else starts it. */
  ready(timeoutMs?: number): Promise<void>;
  stop(options?: StopOptions): Promise<void>;
}

interface Parts {
  readonly options: MeshOptions;
  readonly modules: Readonly<Record<Feature, string>>;
  readonly xds: XdsServer;
  readonly xdsSocket: string;
  readonly credentials: CredentialSource;
  readonly folder: string;
  readonly bind: BindAddress;
  readonly page: BindAddress;
}

/** Brings one waypoint up: its configuration goes to the xDS server, its Envoy is started or found running. */
export async function serveWaypoint(first: Waypoint, parts: Parts): Promise<ServedWaypoint> {
  const { options, xds, credentials, bind, page } = parts;
  const key = waypointKey(first);
  // An Envoy that somebody else starts may not see our folder, and would refuse listeners that log into it.
  const denials = options.envoy === undefined ? undefined : await followDenials(parts.folder, key);
  const emit = createEmitter({
    bind,
    modules: parts.modules,
    ...(options.pathNormalization === undefined ? {} : { pathNormalization: options.pathNormalization }),
    systemRoots: options.systemRoots,
    maxConnectionMs: DEFAULTS.maxConnectionMs,
    ...(options.accessLog === undefined ? {} : { accessLog: options.accessLog }),
    // The names stay those of the start: others would be other listeners, and listeners that change drain connections.
    ...(denials === undefined ? {} : { denials: { path: denials.path, headers: headersKept(first) } }),
    ...(options.explainTo === undefined ? {} : { explainTo: options.explainTo }),
  });

  const secret = secretsOf(credentials);
  let waypoint = first;
  let served: XdsSnapshot = new Map();
  const serve = (): boolean => {
    const snapshot = withSecrets(emit(waypoint), secret());
    const changed = !same(served, snapshot);
    served = snapshot;
    if (changed) xds.setSnapshot(key, snapshot);
    return changed;
  };
  serve();
  const forget = credentials.onChange(() => void serve());
  const supervisor = await startEnvoy(first, parts);

  return {
    key,
    update(next) {
      waypoint = next;
      return serve();
    },
    status: () => ({
      namespace: waypoint.namespace,
      name: waypoint.name,
      address: { host: bind.address, port: bind.port },
      identity: credentials.current().workload.identity,
      trustDomain: waypoint.trustDomain,
      page: `http://${page.address.includes(':') ? `[${page.address}]` : page.address}:${page.port}`,
      ...(options.envoy === undefined ? {} : { envoy: options.envoy.version }),
      certificateExpires: credentials.current().workload.notAfter.toISOString(),
    }),
    denials: (query) => denials?.find(query) ?? [],
    ready: async (timeoutMs) => await supervisor?.ready(timeoutMs),
    async stop(how) {
      forget();
      credentials.close();
      await supervisor?.stop(how);
      await denials?.close();
      xds.removeSnapshot(key);
    },
  };
}

/** The waypoint's Envoy, or undefined where it is somebody else's to start, from the bootstrap that is written for him. */
async function startEnvoy(waypoint: Waypoint, parts: Parts): Promise<Supervisor | undefined> {
  const { options, folder, page, xdsSocket } = parts;
  const files = envoyFiles(folder);
  const matcher = statsMatcher(options.statistics);
  const start = bootstrap({
    namespace: waypoint.namespace,
    name: waypoint.name,
    instance: 'envoy',
    xdsSocket,
    adminSocket: files.adminSocket,
    prometheus: page,
    maxHeapBytes: await heapLimit(),
    statsTags: STATS_TAGS,
    ...(matcher ? { statsMatcher: matcher } : {}),
  });
  if (options.envoy === undefined) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, 'bootstrap.pb'), toBinary(BootstrapSchema, start), { mode: 0o600 });
    return undefined;
  }
  const key = waypointKey(waypoint);
  return supervise({
    folder,
    binary: options.envoy,
    bootstrap: start,
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    onLog: (line) => options.report({ kind: 'log', waypoint: key, line }),
    onEvent: (event) => options.report({ kind: 'waypoint', waypoint: key, event }),
  });
}

function withSecrets(snapshot: XdsSnapshot, secret: XdsSnapshot): XdsSnapshot {
  return new Map([...snapshot, ...secret]);
}

/** As a map that stays the same as long as the credentials do. */
function secretsOf(credentials: CredentialSource): () => XdsSnapshot {
  let last = credentials.current();
  const make = (): XdsSnapshot =>
    new Map([[SECRET, new Map(secrets(last).map((secret) => [secret.name, secret] as const))]]);
  let made = make();
  return () => {
    if (credentials.current() !== last) {
      last = credentials.current();
      made = make();
    }
    return made;
  };
}

function same(a: XdsSnapshot, b: XdsSnapshot): boolean {
  if (a.size !== b.size) return false;
  for (const [type, resources] of b) {
    const before = a.get(type);
    if (before === resources) continue;
    if (before?.size !== resources.size) return false;
    for (const [name, resource] of resources) if (before.get(name)?.version !== resource.version) return false;
  }
  return true;
}
