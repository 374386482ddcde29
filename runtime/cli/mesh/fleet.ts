import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authority } from '#identity/authority.ts';
import { watchCredentials } from '#identity/files.ts';
import type { CredentialSource } from '#identity/source.ts';
import type { Feature } from '#envoy/names.ts';
import type { Finding } from '#model/finding.ts';
import { spiffeId } from '#model/identity.ts';
import type { Waypoint } from '#model/waypoint.ts';
import type { BindAddress } from '#proxy/prometheus.ts';
import type { StopOptions } from '#proxy/stop.ts';
import type { XdsServer } from '#xds/server.ts';
import { developmentCredentials } from './credentials.ts';
import type { MeshOptions } from './options.ts';
import { serveWaypoint, type ServedWaypoint } from './served-waypoint.ts';
import { waypointKey } from './world.ts';

export interface FleetParts {
  readonly options: MeshOptions;
  readonly modules: Readonly<Record<Feature, string>>;
  readonly xds: XdsServer;
  readonly xdsSocket: string;
  /** Undefined when certificates come from files. */
  readonly authority: Authority | undefined;
}

/** The waypoints that are in service. */
export interface Fleet {
  /** Whether an Envoy of this waypoint is to be served, also while it is just starting. */
  has(key: string): boolean;
  all(): readonly ServedWaypoint[];
  /** Brings what is served in line with the model. Returns whether anything changed that an Envoy holds. */
  apply(waypoints: readonly Waypoint[]): Promise<boolean>;
  stop(how?: StopOptions): Promise<void>;
}

export function createFleet(parts: FleetParts): Fleet {
  const { options } = parts;
  const served = new Map<string, ServedWaypoint>();
  /** A waypoint keeps its place, and so its ports, for as long as it is there. */
  const places = new Map<string, number>();

  async function begin(waypoint: Waypoint): Promise<void> {
    const key = waypointKey(waypoint);
    const place = firstFree(places);
    places.set(key, place);
    const folder = join(options.state, `${waypoint.namespace}-${waypoint.name}`);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const shifted = ({ address, port }: BindAddress): BindAddress => ({ address, port: port + place });
    const running = await serveWaypoint(waypoint, {
      ...parts,
      folder,
      credentials: await credentialsOf(waypoint, folder, parts),
      bind: shifted(options.bind),
      page: shifted(options.page),
    });
    served.set(key, running);
  }

  async function end(key: string, how?: StopOptions): Promise<void> {
    const waypoint = served.get(key);
    served.delete(key);
    await waypoint?.stop(how);
    places.delete(key);
  }

  return {
    has: (key) => places.has(key),
    all: () => [...served.values()],
    async apply(waypoints) {
      let changed = false;
      const wanted = new Set(waypoints.map(waypointKey));
      for (const key of [...served.keys()].filter((known) => !wanted.has(known))) {
        options.report({ kind: 'waypointGone', waypoint: key });
        changed = true;
        await end(key);
      }
      for (const waypoint of waypoints) {
        const running = served.get(waypointKey(waypoint));
        if (running) changed = running.update(waypoint) || changed;
        else {
          await begin(waypoint);
          changed = true;
        }
      }
      return changed;
    },
    async stop(how) {
      await Promise.all([...served.keys()].map((key) => end(key, how)));
    },
  };
}

function firstFree(places: ReadonlyMap<string, number>): number {
  const taken = new Set(places.values());
  let place = 0;
  while (taken.has(place)) place++;
  return place;
}

function credentialsOf(
  waypoint: Waypoint,
  folder: string,
  { options, authority }: FleetParts,
): Promise<CredentialSource> {
  const onFinding = (finding: Finding): void => options.report({ kind: 'finding', finding });
  if (options.credentials) return watchCredentials(options.credentials, { onFinding });
  if (!authority) throw new Error('a mesh without certificate files has a development CA');
  // As in Istio, a waypoint's pods run as the service account that is named like its Gateway.
  const identity = spiffeId(options.trustDomain, waypoint.namespace, waypoint.name);
  return developmentCredentials(authority, identity, folder, onFinding);
}
