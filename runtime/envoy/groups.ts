import type { XdsResource } from './resource.ts';

/** What changes together and is sent together: the resources of one part of the model. */
export type Group = readonly XdsResource[];

/**
 * Remembers the group of each part of a list. A part that is the same object (`===`) has the same group. Lists are
 * sorted, so nearly always a part is where it was, and no table is needed to find it.
 */
export function groupsOf<T extends object>(make: (part: T) => Group): (parts: readonly T[]) => readonly Group[] {
  let before: readonly T[] = [];
  let groups: readonly Group[] = [];
  return (parts) => {
    if (parts === before) return groups;
    const moved = parts.length === before.length ? undefined : new Map(before.map((part, at) => [part, groups[at]!]));
    const next = moved === undefined ? [...groups] : [];
    for (let at = 0; at < parts.length; at++) {
      const part = parts[at]!;
      if (moved !== undefined || part !== before[at]) next[at] = moved?.get(part) ?? make(part);
    }
    before = parts;
    groups = next;
    return groups;
  };
}
