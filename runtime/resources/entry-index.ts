import type { ResourceRef } from '#model/finding.ts';
import type { ParsedDocument } from './document.ts';
import type { Item } from './item.ts';
import type { AnyResource } from './kinds.ts';
import type { InvalidResource } from './resource.ts';

/** A place in a file, which is worked out when somebody asks. */
export interface Written {
  readonly file: string;
  readonly document: ParsedDocument;
  /** Path of the resource in its document: empty, or `items[2]`. */
  readonly at: string;
}

/** What the store knows of one resource; `resource` and `invalid` exclude each other. */
export interface Entry {
  readonly key: string;
  readonly ref: ResourceRef;
  readonly resource: AnyResource | undefined;
  readonly invalid: InvalidResource | undefined;
  readonly written: Written;
  /** What it was made of; undefined when it is only kept. */
  readonly item: Item | undefined;
}

interface KindIndex {
  readonly entries: ReadonlyMap<string, Entry>;
  /** Sorted by namespace and name, in code unit order. */
  readonly resources: readonly AnyResource[];
}

type Changes = ReadonlyMap<string, Entry | undefined>;

const noneOfAKind: KindIndex = { entries: new Map(), resources: [] };

/** All entries at one moment. The next index shares with this one whatever does not change. */
export class EntryIndex {
  readonly #byKind: ReadonlyMap<string, KindIndex>;
  /** In no particular order, but for what was there before. */
  readonly invalid: readonly InvalidResource[];

  constructor(byKind: ReadonlyMap<string, KindIndex> = new Map(), invalid: readonly InvalidResource[] = []) {
    this.#byKind = byKind;
    this.invalid = invalid;
  }

  get(key: string): Entry | undefined {
    return this.#byKind.get(kindOf(key))?.entries.get(key);
  }

  of(kind: string): readonly AnyResource[] {
    return (this.#byKind.get(kind) ?? noneOfAKind).resources;
  }

  /** The index with these entries changed: undefined where there is nothing any more. */
  with(changes: Changes): EntryIndex {
    const byKind = new Map(this.#byKind);
    const invalid = new Set(this.invalid);
    const own = new Map<string, Map<string, Entry | undefined>>();
    for (const [key, entry] of changes) {
      const kind = kindOf(key);
      const ofKind = own.get(kind);
      if (ofKind === undefined) own.set(kind, new Map([[key, entry]]));
      else ofKind.set(key, entry);
    }
    for (const [kind, ofKind] of own) byKind.set(kind, changeKind(byKind.get(kind) ?? noneOfAKind, ofKind));
    for (const [key, entry] of changes) {
      const before = this.get(key)?.invalid;
      if (before !== undefined && before !== entry?.invalid) invalid.delete(before);
      if (entry?.invalid !== undefined) invalid.add(entry.invalid);
    }
    const same = invalid.size === this.invalid.length && this.invalid.every((each) => invalid.has(each));
    return new EntryIndex(byKind, same ? this.invalid : [...invalid]);
  }
}

function changeKind(before: KindIndex, changes: Changes): KindIndex {
  const entries = new Map(before.entries);
  const replaced = new Map<AnyResource, AnyResource>();
  let moved = false;
  for (const [key, entry] of changes) {
    const old = entries.get(key)?.resource;
    const now = entry?.resource;
    if (old !== undefined && now !== undefined) replaced.set(old, now);
    else if (old !== now) moved = true;
    if (entry === undefined) entries.delete(key);
    else entries.set(key, entry);
  }
  return { entries, resources: moved ? sorted(entries) : replaceIn(before.resources, replaced) };
}

/** A new version of a resource is where the old one was. */
function replaceIn(
  resources: readonly AnyResource[],
  replaced: ReadonlyMap<AnyResource, AnyResource>,
): readonly AnyResource[] {
  const changed = [...replaced].filter(([old, now]) => old !== now);
  if (changed.length === 0) return resources;
  if (changed.length > FEW) return resources.map((each) => replaced.get(each) ?? each);
  const copy = [...resources];
  for (const [old, now] of changed) copy[copy.indexOf(old)] = now;
  return copy;
}

/** So many are looked for one by one. */
const FEW = 8;

const kindOf = (key: string): string => key.slice(0, key.indexOf(' '));

function sorted(entries: ReadonlyMap<string, Entry>): readonly AnyResource[] {
  return [...entries.values()]
    .map(({ resource }) => resource)
    .filter((resource) => resource !== undefined)
    .sort(({ metadata: a }, { metadata: b }) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
