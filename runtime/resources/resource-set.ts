import type { Finding, ResourceRef } from '#model/finding.ts';
import type { ParsedDocument } from './document.ts';
import { type FileState, positionIn } from './file-state.ts';
import { type Item, keyOf } from './item.ts';
import { type AnyResource, type Kind, type Kinds, kinds } from './kinds.ts';
import type { InvalidResource } from './resource.ts';
import { joinPath } from './schema/report.ts';

export type { AnyResource, Kind, Kinds } from './kinds.ts';

/** Where something is written. Lines and columns count from 1. */
export interface Place {
  /** As it was given; `-` is standard input. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * All resources at one moment; never changes. What did not change since the set before is the same object (`===`):
 * a resource, and the array of a kind of which nothing changed.
 */
export interface ResourceSet {
  /** Resources of a kind, sorted by namespace and name. */
  of<K extends Kind>(kind: K): readonly Kinds[K][];
  /** `namespace` is empty for kinds without one. */
  get<K extends Kind>(kind: K, namespace: string, name: string): Kinds[K] | undefined;
  /** What could not be used and has no earlier form that can: translation must fail closed on it. */
  readonly invalid: readonly InvalidResource[];
  readonly findings: readonly Finding[];
  /**
   * Where a field of a resource is written: its key, or the nearest thing around it that is there.
   * `path` is as in findings; empty: the resource as a whole.
   */
  locate(ref: ResourceRef, path: string): Place | undefined;
  /** Where a finding is: exact for those of this set (also when no resource could be read), else by its resource. */
  placeOf(finding: Finding): Place | undefined;
}

/** A place that is worked out when somebody asks. */
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

/** A finding with its place: of a field in a document, or of an offset where the document is not even parsed. */
export interface PlacedFinding {
  readonly finding: Finding;
  readonly written: Written | undefined;
  readonly offset?: number;
}

/** The set of these entries, sharing with the one before whatever is equal. */
export class ResourceSnapshot implements ResourceSet {
  readonly invalid: readonly InvalidResource[];
  readonly findings: readonly Finding[];
  readonly entries: ReadonlyMap<string, Entry>;
  readonly #byKind: ReadonlyMap<Kind, KindIndex>;
  readonly #places: ReadonlyMap<Finding, PlacedFinding>;
  readonly #files: ReadonlyMap<string, FileState>;

  constructor(
    files: ReadonlyMap<string, FileState>,
    entries: ReadonlyMap<string, Entry>,
    findings: readonly PlacedFinding[],
    before: ResourceSnapshot | undefined,
  ) {
    const invalid: InvalidResource[] = [];
    const byKind = new Map<Kind, AnyResource[]>(kinds.map(({ kind }) => [kind, []]));
    for (const entry of entries.values()) {
      if (entry.resource !== undefined) byKind.get(entry.resource.kind)?.push(entry.resource);
      else if (entry.invalid !== undefined) invalid.push(entry.invalid);
    }
    const known = before === undefined ? undefined : before.#byKind;
    this.#files = files;
    this.entries = entries;
    this.invalid = shared(invalid, before?.invalid);
    this.findings = shared(findings.map(({ finding }) => finding), before?.findings);
    this.#places = new Map(findings.map((placed) => [placed.finding, placed]));
    this.#byKind = new Map([...byKind].map(([kind, resources]) => [kind, indexed(resources, known?.get(kind))]));
  }

  of<K extends Kind>(kind: K): readonly Kinds[K][] {
    return this.#byKind.get(kind)?.sorted as readonly AnyResource[] as readonly Kinds[K][];
  }

  get<K extends Kind>(kind: K, namespace: string, name: string): Kinds[K] | undefined {
    return this.entries.get(keyOf(kind, namespace, name))?.resource as Kinds[K] | undefined;
  }

  locate({ kind, namespace, name }: ResourceRef, path: string): Place | undefined {
    const written = this.entries.get(keyOf(kind, namespace, name))?.written;
    return written && this.#place(written, path);
  }

  placeOf(finding: Finding): Place | undefined {
    const placed = this.#places.get(finding);
    if (placed === undefined) return finding.resource && this.locate(finding.resource, finding.path);
    return placed.written && this.#place(placed.written, finding.path, placed.offset);
  }

  #place({ file: path, document, at }: Written, field: string, offset?: number): Place | undefined {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    return { file: path, ...positionIn(file, document, offset ?? document.offsetOf(joinPath(at, field))) };
  }
}

/** The array before, if the new one has the same members in the same order. */
function shared<T>(now: readonly T[], before: readonly T[] | undefined): readonly T[] {
  return before !== undefined && sameMembers(now, before) ? before : now;
}

const sameMembers = <T>(a: readonly T[], b: readonly T[]): boolean =>
  a.length === b.length && a.every((each, index) => each === b[index]);

interface KindIndex {
  /** In the order of the files, which tells cheaply that nothing changed. */
  readonly read: readonly AnyResource[];
  /** By namespace and name, in code unit order. */
  readonly sorted: readonly AnyResource[];
}

function indexed(read: readonly AnyResource[], before: KindIndex | undefined): KindIndex {
  if (before !== undefined && sameMembers(read, before.read)) return before;
  const sorted = read.toSorted(
    ({ metadata: a }, { metadata: b }) => compare(a.namespace, b.namespace) || compare(a.name, b.name),
  );
  return { read, sorted: shared(sorted, before?.sorted) };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
