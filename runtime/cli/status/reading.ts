import type { Status, World } from '#admin/api.ts';
import type { Waypoint } from '#model/waypoint.ts';
import type { Terminal } from '../terminal.ts';
import { asked, readWorld, runningPortolan } from '../world.ts';

/** What a status is made from. */
export interface Reading {
  readonly world: World;
  /** Absent when it comes from files. */
  readonly status?: Status;
}

/** Reads the running process, again and again; the world, which is large, only when there is another one. */
export async function liveReader(state: string | undefined, terminal: Terminal): Promise<() => Promise<Reading>> {
  const client = await runningPortolan(state, terminal);
  let known: { readonly of: string; readonly world: World } | undefined;
  return async () => {
    const status = await asked(client.status());
    const of = `${status.process.pid} ${status.process.startedAt} ${status.process.revision}`;
    if (known?.of !== of) known = { of, world: await asked(client.world()) };
    return { status, world: known.world };
  };
}

export async function readFiles(paths: readonly string[], trustDomain: string, terminal: Terminal): Promise<Reading> {
  return { world: await readWorld(paths, trustDomain, terminal) };
}

/** Which waypoints and resources are shown. */
export interface Selection {
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly waypoint: { readonly namespace: string; readonly name: string } | undefined;
}

export function isShown({ namespace, waypoint }: Selection, one: Pick<Waypoint, 'namespace' | 'name'>): boolean {
  if (namespace !== undefined && namespace !== one.namespace) return false;
  return waypoint === undefined || (waypoint.namespace === one.namespace && waypoint.name === one.name);
}

/** Only what is selected. */
export function selected({ world, status }: Reading, selection: Selection): Reading {
  const { model, statuses, findings } = world;
  return {
    world: {
      model: { ...model, waypoints: model.waypoints.filter((one) => isShown(selection, one)) },
      statuses: statuses.filter(
        ({ resource }) => selection.namespace === undefined || resource.namespace === selection.namespace,
      ),
      findings,
    },
    ...(status === undefined
      ? {}
      : { status: { ...status, waypoints: status.waypoints.filter((one) => isShown(selection, one)) } }),
  };
}
