import type { PlacedFinding, World } from '#admin/api.ts';
import type { Waypoint } from '#model/waypoint.ts';
import type { FileTexts } from '#resources/files.ts';
import { ResourceStore } from '#resources/store.ts';
import { createTranslator } from '#translate/index.ts';
import { place } from '../world.ts';

export interface Selection {
  readonly trustDomain: string;
  readonly layeredAuthorization?: boolean;
  /** Only this waypoint is kept; all when absent. */
  readonly waypoint?: { readonly namespace: string; readonly name: string };
}

export const waypointKey = ({ namespace, name }: Pick<Waypoint, 'namespace' | 'name'>): string =>
  `${namespace}/${name}`;

/** From texts of files to the world that they describe, one text set after the other; unchanged parts stay the same objects. */
export function createWorld({
  trustDomain,
  layeredAuthorization = false,
  waypoint: only,
}: Selection): (texts: FileTexts) => World {
  const store = new ResourceStore();
  const translate = createTranslator({ trustDomain, layeredAuthorization });
  const placed = new WeakMap<PlacedFinding, PlacedFinding>();
  return ({ files, unreadable }) => {
    const resources = store.update(files, unreadable);
    const { model, findings, statuses } = translate(resources);
    const waypoints = only
      ? model.waypoints.filter((waypoint) => waypointKey(waypoint) === waypointKey(only))
      : model.waypoints;
    return {
      model: waypoints === model.waypoints ? model : { ...model, waypoints },
      findings: place(resources, [...resources.findings, ...findings], placed),
      statuses,
    };
  };
}
