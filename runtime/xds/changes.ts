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
  const names = inStep(from, to) ?? byName(from, to);
  known.set(to, { from: new WeakRef(from), names });
  return names;
}

/** For sets of the same names in the same order, which an edit leaves alone: no name is looked up. */
function inStep(from: Resources, to: Resources): readonly string[] | undefined {
  if (from.size !== to.size) return undefined;
  const names: string[] = [];
  const before = from.values();
  for (const resource of to.values()) {
    const old = before.next().value;
    if (old === resource) continue;
    if (old?.name !== resource.name) return undefined;
    if (old.version !== resource.version) names.push(resource.name);
  }
  return names;
}

function byName(from: Resources, to: Resources): readonly string[] {
  const names: string[] = [];
  for (const [name, resource] of to) if (from.get(name)?.version !== resource.version) names.push(name);
  for (const name of from.keys()) if (!to.has(name)) names.push(name);
  return names;
}
