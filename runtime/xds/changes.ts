import type { XdsResource } from '#envoy/resource.ts';

export type Resources = ReadonlyMap<string, XdsResource>;

export const NO_RESOURCES: Resources = new Map();

/**
 * The newest difference that ended at a map, for every stream of a waypoint asks for the same one. Where it began is
 * held weakly, or each map would keep all those before it.
 */
const known = new WeakMap<Resources, { readonly from: WeakRef<Resources>; readonly names: readonly string[] }>();

/** Names whose version differs between two sets of one type, or that are in one of them only. */
export function changedNames(from: Resources, to: Resources): readonly string[] {
  if (from === to) return [];
  const last = known.get(to);
  if (last?.from.deref() === from) return last.names;
  const names: string[] = [];
  for (const [name, resource] of to) {
    const before = from.get(name);
    if (before !== resource && before?.version !== resource.version) names.push(name);
  }
  for (const name of from.keys()) if (!to.has(name)) names.push(name);
  known.set(to, { from: new WeakRef(from), names });
  return names;
}
