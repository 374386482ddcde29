import type { ParsedDocument } from './document.ts';
import type { FileState } from './file-state.ts';
import type { Item } from './item.ts';

/** An item that names a resource of a kind that we read. */
export type KeyedItem = Extract<Item, { readonly key: string }>;

/** A place that says what a resource is. A resource has one, unless somebody wrote it twice. */
export interface Claim {
  readonly file: string;
  readonly document: ParsedDocument;
  readonly item: KeyedItem;
}

/**
 * Who says what of which resource, kept up to date document by document, so that an edit costs what it changes.
 * Keys of resources of which something was said or unsaid gather in `touched` until somebody takes them.
 */
export class Claims {
  readonly #byKey = new Map<string, readonly Claim[]>();
  readonly #contested = new Set<string>();
  /** Documents that have something to report. */
  readonly reporting = new Set<ParsedDocument>();
  /** How many resources there are of kinds that are no concern of a waypoint. */
  readonly others = new Map<string, number>();
  #touched = new Set<string>();

  /** Takes in what a file says now instead of what it said before. */
  replace(before: FileState | undefined, after: FileState | undefined): void {
    const old = before?.documents ?? [];
    const now = after?.documents ?? [];
    let head = 0;
    while (head < old.length && head < now.length && old[head] === now[head]) head++;
    let tail = 0;
    while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
    const gone = new Set(old.slice(head, old.length - tail));
    for (const document of now.slice(head, now.length - tail)) {
      if (!gone.delete(document)) this.#add(after?.path ?? '', document);
    }
    for (const document of gone) this.#remove(document);
  }

  touch(key: string): void {
    this.#touched.add(key);
  }

  /** The keys touched since the last call. */
  takeTouched(): ReadonlySet<string> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  /** The claims on a resource, in the order of files and of documents in them: the first counts. */
  of(key: string, files: ReadonlyMap<string, FileState>): readonly Claim[] {
    const claims = this.#byKey.get(key) ?? [];
    if (claims.length < 2) return claims;
    const position = ({ file, document }: Claim): number => files.get(file)?.documents.indexOf(document) ?? 0;
    return claims.toSorted((a, b) => (a.file === b.file ? position(a) - position(b) : a.file < b.file ? -1 : 1));
  }

  /** Keys of resources that are written more than once, sorted. */
  contested(): readonly string[] {
    return [...this.#contested].sort();
  }

  #add(file: string, document: ParsedDocument): void {
    if (document.errors.length > 0) this.reporting.add(document);
    for (const item of document.items) {
      if (item.problems.length > 0) this.reporting.add(document);
      if (item.state === 'other' && item.problems.length === 0) this.#count(item.kind, 1);
      if ('key' in item) this.#set(item.key, [...(this.#byKey.get(item.key) ?? []), { file, document, item }]);
    }
  }

  #remove(document: ParsedDocument): void {
    this.reporting.delete(document);
    for (const item of document.items) {
      if (item.state === 'other' && item.problems.length === 0) this.#count(item.kind, -1);
      if ('key' in item)
        this.#set(
          item.key,
          (this.#byKey.get(item.key) ?? []).filter((claim) => claim.document !== document),
        );
    }
  }

  #set(key: string, claims: readonly Claim[]): void {
    this.#touched.add(key);
    if (claims.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, claims);
    if (claims.length > 1) this.#contested.add(key);
    else this.#contested.delete(key);
  }

  #count(kind: string, change: number): void {
    const count = (this.others.get(kind) ?? 0) + change;
    if (count === 0) this.others.delete(kind);
    else this.others.set(kind, count);
  }
}
