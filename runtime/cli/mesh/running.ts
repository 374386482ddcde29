import type { Running, Settled, WaypointName, World } from '#admin/api.ts';
import type { Authority } from '#identity/authority.ts';
import type { XdsServer } from '#xds/server.ts';
import { VERSION } from '../version.ts';
import type { Fleet } from './fleet.ts';
import type { MeshOptions } from './options.ts';
import { programTexts } from './program-texts.ts';
import { proxyStatus, typeName } from './proxies.ts';
import { waypointKey } from './world.ts';

export interface RunningParts {
  readonly options: MeshOptions;
  readonly xds: XdsServer;
  readonly fleet: Fleet;
  readonly authority: Authority | undefined;
  readonly world: () => World;
  reload(): Promise<void>;
}

/** What the admin socket shows of a mesh, and lets be asked of it. */
export function createRunning(parts: RunningParts): Running {
  const { options, xds, fleet, authority } = parts;
  const startedAt = new Date().toISOString();
  const revisionOf = revisions();
  return {
    process: () => ({
      version: VERSION,
      pid: process.pid,
      startedAt,
      paths: options.paths,
      revision: revisionOf(parts.world()),
      ...(options.pathNormalization === undefined ? {} : { pathNormalization: options.pathNormalization }),
    }),
    world: parts.world,
    waypoints: () => fleet.all().map((waypoint) => waypoint.status()),
    proxies: () => xds.status().nodes.map(proxyStatus),
    programs(namespace, name) {
      const waypoint = parts.world().model.waypoints.find((one) => one.namespace === namespace && one.name === name);
      return waypoint && programTexts(waypoint);
    },
    async settled(timeoutMs, only) {
      const began = Date.now();
      await parts.reload();
      return settled(parts, timeoutMs, began, only);
    },
    denials(query) {
      const all = fleet.all().flatMap((waypoint) => [...waypoint.denials(query)]);
      const latestFirst = all.toSorted((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
      return 'last' in query ? latestFirst.slice(0, query.last) : latestFirst;
    },
    async issue({ identity, ttlMs }) {
      if (!authority)
        throw new Error('certificates come from files here (--cert, --key, --root): there is no CA to ask');
      const issued = await authority.issue({ spiffeId: identity, ...(ttlMs === undefined ? {} : { ttlMs }) });
      return {
        identity: issued.identity,
        certificate: issued.certificate,
        key: issued.key,
        roots: authority.root,
        notAfter: issued.notAfter.toISOString(),
        serial: issued.serial,
      };
    },
  };
}

/** Counts worlds as they are seen: every translation gives another one. */
function revisions(): (world: World) => number {
  let seen: World | undefined;
  let revision = 0;
  return (world) => {
    if (world !== seen) revision++;
    seen = world;
    return revision;
  };
}

/** Waits for every waypoint at once, or for one alone; the first time that is up ends them all. */
async function settled(
  { xds, fleet }: RunningParts,
  timeoutMs: number,
  began: number,
  only: WaypointName | undefined,
): Promise<Settled> {
  const signal = AbortSignal.timeout(timeoutMs);
  const all = fleet.all();
  const waypoints = only === undefined ? all : all.filter(({ key }) => key === waypointKey(only));
  const outcomes = await Promise.all(
    waypoints.map(async ({ key }): Promise<{ proxies: number; missing: readonly string[] }> => {
      try {
        const { nodes, nacks } = await xds.settled(key, signal);
        const rejected = nacks.map(
          ({ node, typeUrl, name, reason }) => `${key}: ${node} refused ${typeName(typeUrl)} ${name}: ${reason}`,
        );
        return { proxies: nodes.length, missing: rejected };
      } catch {
        return { proxies: 0, missing: missing(xds, key) };
      }
    }),
  );
  const waitedMs = Date.now() - began;
  const lacking = outcomes.flatMap((outcome) => outcome.missing);
  if (waypoints.length === 0) {
    const none =
      only === undefined || all.length === 0
        ? 'the files describe no waypoint that is served here'
        : `${waypointKey(only)}: not served here, but ${all.map(({ key }) => key).join(', ')}`;
    return { settled: false, waitedMs, missing: [none] };
  }
  if (lacking.length > 0) return { settled: false, waitedMs, missing: lacking };
  return { settled: true, waitedMs, proxies: outcomes.reduce((sum, outcome) => sum + outcome.proxies, 0) };
}

/** What a waypoint still waits for, in words. */
function missing(xds: XdsServer, key: string): readonly string[] {
  const nodes = xds.status().nodes.filter((node) => node.key === key);
  if (nodes.length === 0) return [`${key}: no Envoy is connected`];
  return nodes.flatMap(({ node, types }) =>
    types
      .filter(({ pending, missing: unknown }) => pending + unknown.length > 0)
      .map(
        ({ typeUrl, pending, missing: unknown }) =>
          `${key}: ${node} has still to accept ${pending + unknown.length} of ${typeName(typeUrl)}`,
      ),
  );
}
