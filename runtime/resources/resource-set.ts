import type { Finding, ResourceRef } from '#model/finding.ts';
import type { EntryIndex, Written } from './entry-index.ts';
import { type FileState, positionIn } from './file-state.ts';
import { keyOf } from './item.ts';
import type { Kind, Kinds } from './kinds.ts';
import type { InvalidResource } from './resource.ts';
import { joinPath } from './schema/report.ts';

export type { Kind, Kinds } from './kinds.ts';

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

/** A finding with its place: of a field in a document, or of an offset where the document is not even parsed. */
export interface PlacedFinding {
  readonly finding: Finding;
  readonly written: Written | undefined;
  readonly offset?: number;
}

/** Where a finding was found to be, which holds as long as its file and what is written there are the same. */
interface KnownPlace {
  readonly file: FileState | undefined;
  readonly written: Written;
  readonly place: Place | undefined;
}

/** What the store hands out. */
export class ResourceSnapshot implements ResourceSet {
  readonly findings: readonly Finding[];
  readonly #files: ReadonlyMap<string, FileState>;
  readonly #entries: EntryIndex;
  readonly #places: ReadonlyMap<Finding, PlacedFinding>;
  /** Of the findings that were asked for, in this set or in one before it. */
  readonly #known: WeakMap<Finding, KnownPlace>;

  constructor(
    files: ReadonlyMap<string, FileState>,
    entries: EntryIndex,
    found: readonly PlacedFinding[],
    before: ResourceSnapshot | undefined,
  ) {
    const findings = found.map(({ finding }) => finding);
    this.#files = files;
    this.#entries = entries;
    this.#known = before === undefined ? new WeakMap() : before.#known;
    this.#places = new Map(found.map((placed) => [placed.finding, placed]));
    this.findings = before !== undefined && sameMembers(findings, before.findings) ? before.findings : findings;
  }

  get invalid(): readonly InvalidResource[] {
    return this.#entries.invalid;
  }

  of<K extends Kind>(kind: K): readonly Kinds[K][] {
    return this.#entries.of(kind) as readonly Kinds[K][];
  }

  get<K extends Kind>(kind: K, namespace: string, name: string): Kinds[K] | undefined {
    return this.#entries.get(keyOf(kind, namespace, name))?.resource as Kinds[K] | undefined;
  }

  locate(ref: ResourceRef, path: string): Place | undefined {
    const written = this.#writtenOf(ref);
    return written && this.#place(written, path);
  }

  placeOf(finding: Finding): Place | undefined {
    const placed = this.#places.get(finding);
    const written = placed === undefined ? this.#writtenOf(finding.resource) : placed.written;
    if (written === undefined) return undefined;
    const file = this.#files.get(written.file);
    const known = this.#known.get(finding);
    if (known !== undefined && known.file === file && sameWritten(known.written, written)) return known.place;
    const place = this.#place(written, finding.path, placed?.offset);
    this.#known.set(finding, { file, written, place });
    return place;
  }

  #writtenOf(ref: ResourceRef | undefined): Written | undefined {
    return ref && this.#entries.get(keyOf(ref.kind, ref.namespace, ref.name))?.written;
  }

  #place({ file: path, document, at }: Written, field: string, offset?: number): Place | undefined {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    return { file: path, ...positionIn(file, document, offset ?? document.offsetOf(joinPath(at, field))) };
  }
}

const sameWritten = (a: Written, b: Written): boolean => a.document === b.document && a.at === b.at;

const sameMembers = <T>(a: readonly T[], b: readonly T[]): boolean =>
  a.length === b.length && a.every((each, index) => each === b[index]);
