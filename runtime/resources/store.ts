import { isDeepStrictEqual } from 'node:util';
import type { Finding } from '#model/finding.ts';
import { type Claim, Claims } from './claims.ts';
import { MAX_FILE_SIZE, type ParsedDocument } from './document.ts';
import { type FileState, readFileState } from './file-state.ts';
import { type Entry, EntryIndex } from './entry-index.ts';
import { type PlacedFinding, type ResourceSet, ResourceSnapshot } from './resource-set.ts';
import * as finding from './store-finding.ts';

/**
 * Turns the texts of files into sets of resources, one after the other, and remembers what was good: a resource whose
 * new version is not valid keeps the one before, and while a document of a file cannot be read, nothing that the file
 * held is given up. What is removed, or a file that is no longer there, takes its resources along.
 */
export class ResourceStore {
  #files: ReadonlyMap<string, FileState> = new Map();
  #unreadable: ReadonlyMap<string, string> = new Map();
  #entries = new EntryIndex();
  #set: ResourceSnapshot | undefined;
  readonly #claims = new Claims();
  /** By file: what it held before one of its documents could not be read, and does not show now. */
  readonly #kept = new Map<string, Set<string>>();
  /** Findings by what they are about, so that as long as it says the same they are the same objects. */
  readonly #made = new WeakMap<object, Map<string, readonly Finding[]>>();
  #others: Finding | undefined;

  /**
   * Reads all files as they are now. `unreadable` has files and folders that are there and cannot be read, with the
   * reason: what they held stays. The same set is returned when nothing changed. Never throws for what is in a text.
   */
  update(files: ReadonlyMap<string, string>, unreadable: ReadonlyMap<string, string> = new Map()): ResourceSet {
    const refused = new Map(unreadable);
    for (const [path, text] of files) {
      if (text.length > MAX_FILE_SIZE) refused.set(path, `it is larger than ${MAX_FILE_SIZE / 1024 / 1024} MiB`);
    }
    const before = this.#files;
    const changes = changesOf(files, refused, before);
    if (this.#set !== undefined && changes.size === 0 && sameValues(refused, this.#unreadable)) return this.#set;
    this.#files = withChanges(before, changes);
    this.#unreadable = refused;
    for (const path of changes.keys()) {
      this.#claims.replace(before.get(path), this.#files.get(path));
      for (const key of this.#kept.get(path) ?? []) this.#claims.touch(key);
      this.#kept.delete(path);
    }
    this.#entries = this.#entries.with(new Map([...this.#claims.takeTouched()].map((key) => [key, this.#settle(key)])));
    this.#set = new ResourceSnapshot(this.#files, this.#entries, this.#report(), this.#set);
    return this.#set;
  }

  /** What a resource is now; undefined: nothing any more. */
  #settle(key: string): Entry | undefined {
    const before = this.#entries.get(key);
    const claim = this.#claims.of(key, this.#files)[0];
    if (claim === undefined) return before && this.#keep(before);
    const { file, document, item } = claim;
    const good = before?.resource;
    const entry = {
      key,
      ref: item.ref,
      resource: undefined,
      invalid: undefined,
      item,
      written: { file, document, at: item.at },
    };
    if (item.state === 'valid' && document.errors.length === 0) {
      // A comment or another order of fields is no change.
      const equal = good !== undefined && isDeepStrictEqual(good, item.resource);
      return { ...entry, resource: equal ? good : item.resource };
    }
    if (item.state !== 'refused' && good !== undefined) return { ...entry, resource: good };
    const raw = 'raw' in item ? item.raw : item.resource;
    return { ...entry, invalid: { ref: item.ref, findings: this.#findingsOf(claim, false), raw } };
  }

  /** Nobody speaks of it any more; that counts only where all of its file can be read. */
  #keep(before: Entry): Entry | undefined {
    const file = this.#files.get(before.written.file);
    if (file?.broken === undefined) return undefined;
    this.#kept.set(file.path, (this.#kept.get(file.path) ?? new Set()).add(before.key));
    return { ...before, item: undefined, written: { file: file.path, document: file.broken, at: '' } };
  }

  /** All findings, in the order of files and documents, then those that are about several. */
  #report(): readonly PlacedFinding[] {
    const found: PlacedFinding[] = [];
    for (const file of this.#claims.reporting.size > 0 ? this.#files.values() : []) {
      for (const document of file.documents) {
        if (this.#claims.reporting.has(document)) this.#reportDocument(file.path, document, found);
      }
    }
    for (const key of this.#claims.contested()) {
      const [first, ...others] = this.#claims.of(key, this.#files);
      for (const { file, document, item } of first === undefined ? [] : others) {
        const duplicate = finding.duplicateFinding(item, file, first?.file ?? '');
        found.push({ finding: duplicate, written: { file, document, at: item.at } });
      }
    }
    for (const [path, keys] of this.#kept) {
      const document = this.#files.get(path)?.broken;
      const written = document && { file: path, document, at: '' };
      found.push({ finding: finding.keptFinding([...keys]), written });
    }
    for (const [path, reason] of this.#unreadable) {
      found.push({ finding: finding.unreadableFinding(path, reason), written: undefined });
    }
    if (this.#claims.others.size > 0) found.push({ finding: this.#otherKinds(), written: undefined });
    return found;
  }

  #reportDocument(file: string, document: ParsedDocument, found: PlacedFinding[]): void {
    const kept = (key: string): boolean => this.#entries.get(key)?.resource !== undefined;
    if (document.errors.length > 0) {
      const item = finding.subjectOf(document);
      const written = { file, document, at: '' };
      this.#brokenFindings(document, item !== undefined && kept(item.key)).forEach((each, index) => {
        found.push({ finding: each, written, offset: document.errors[index]?.offset ?? 0 });
      });
      return;
    }
    for (const item of document.items) {
      const isKeyed = 'key' in item;
      // Of two claims on a resource only the first is heard.
      if (isKeyed && this.#entries.get(item.key)?.item !== item) continue;
      const served = item.state === 'invalid' && kept(item.key);
      for (const each of this.#once(item, served, () => finding.itemFindings(item, served))) {
        found.push({ finding: each, written: { file, document, at: item.at } });
      }
    }
  }

  #findingsOf({ document, item }: Claim, kept: boolean): readonly Finding[] {
    if (document.errors.length > 0) return this.#brokenFindings(document, kept);
    return this.#once(item, kept, () => finding.itemFindings(item, kept));
  }

  #brokenFindings(document: ParsedDocument, kept: boolean): readonly Finding[] {
    return this.#once(document, kept, () => finding.brokenFindings(document, kept));
  }

  #once(owner: object, kept: boolean, make: () => readonly Finding[]): readonly Finding[] {
    const variants = this.#made.get(owner) ?? new Map<string, readonly Finding[]>();
    this.#made.set(owner, variants);
    const known = variants.get(String(kept)) ?? make();
    variants.set(String(kept), known);
    return known;
  }

  #otherKinds(): Finding {
    const made = finding.otherKindsFinding(this.#claims.others);
    if (this.#others?.message !== made.message) this.#others = made;
    return this.#others ?? made;
  }
}

/** The files that are not as they were; undefined: gone. One that cannot be read now is as it was. */
function changesOf(
  texts: ReadonlyMap<string, string>,
  unreadable: ReadonlyMap<string, string>,
  before: ReadonlyMap<string, FileState>,
): ReadonlyMap<string, FileState | undefined> {
  const changes = new Map<string, FileState | undefined>();
  let found = 0;
  for (const [path, text] of texts) {
    if (text.length > MAX_FILE_SIZE) continue;
    const known = before.get(path);
    if (known !== undefined) found++;
    if (known?.text !== text) changes.set(path, readFileState(path, text, known));
  }
  if (found === before.size) return changes;
  for (const path of before.keys()) {
    if (!texts.has(path) && !isUnder(path, unreadable)) changes.set(path, undefined);
  }
  return changes;
}

/** In the order of their paths. */
function withChanges(
  before: ReadonlyMap<string, FileState>,
  changes: ReadonlyMap<string, FileState | undefined>,
): ReadonlyMap<string, FileState> {
  const files = new Map(before);
  let added = false;
  for (const [path, file] of changes) {
    if (file === undefined) files.delete(path);
    else {
      added ||= !files.has(path);
      files.set(path, file);
    }
  }
  return added ? new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1))) : files;
}

function isUnder(path: string, folders: ReadonlyMap<string, string>): boolean {
  for (const folder of folders.keys()) {
    if (path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)) return true;
  }
  return false;
}

function sameValues<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}
