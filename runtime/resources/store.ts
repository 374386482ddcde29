import { isDeepStrictEqual } from 'node:util';
import type { Finding } from '#model/finding.ts';
import { MAX_FILE_SIZE, type ParsedDocument } from './document.ts';
import { type FileState, readFileState } from './file-state.ts';
import { type Entry, type PlacedFinding, ResourceSnapshot, type ResourceSet, type Written } from './resource-set.ts';
import * as finding from './store-finding.ts';
import type { Item } from './item.ts';

type KeyedItem = finding.KeyedItem;

/**
 * Turns the texts of files into sets of resources, one after the other, and remembers what was good: a resource whose
 * new version is not valid keeps the one before, and while a document of a file cannot be read, nothing that the file
 * held is given up. What is removed, or a file that is no longer there, takes its resources along.
 */
export class ResourceStore {
  #files: ReadonlyMap<string, FileState> = new Map();
  #unreadable: ReadonlyMap<string, string> = new Map();
  #set: ResourceSnapshot | undefined;
  /** Findings by what they are about, so that as long as it says the same they are the same objects. */
  readonly #made = new WeakMap<object, Map<string, readonly Finding[]>>();
  #others: Finding | undefined;

  /**
   * Reads all files as they are now. `unreadable` has files and folders that are there and cannot be read, with the
   * reason: what they held stays. The same set is returned when nothing changed. Never throws for what is in a text.
   */
  update(files: ReadonlyMap<string, string>, unreadable: ReadonlyMap<string, string> = new Map()): ResourceSet {
    const readable = new Map<string, string>();
    const refused = new Map(unreadable);
    for (const [path, text] of files) {
      if (text.length > MAX_FILE_SIZE) refused.set(path, `it is larger than ${MAX_FILE_SIZE / 1024 / 1024} MiB`);
      else readable.set(path, text);
    }
    const states = this.#readAll(readable, refused);
    const same = sameValues(states, this.#files) && sameValues(refused, this.#unreadable);
    if (this.#set !== undefined && same) return this.#set;
    this.#files = states;
    this.#unreadable = refused;
    this.#set = this.#resolve();
    return this.#set;
  }

  #readAll(texts: ReadonlyMap<string, string>, unreadable: ReadonlyMap<string, string>): Map<string, FileState> {
    const kept = [...this.#files.keys()].filter((path) => !texts.has(path) && isUnder(path, unreadable));
    const states = new Map<string, FileState>();
    for (const path of [...texts.keys(), ...kept].sort()) {
      const before = this.#files.get(path);
      states.set(path, readFileState(path, texts.get(path) ?? before?.text ?? '', before));
    }
    return states;
  }

  #resolve(): ResourceSnapshot {
    const findings: PlacedFinding[] = [];
    const entries = new Map<string, Entry>();
    const others: string[] = [];
    for (const file of this.#files.values()) {
      for (const document of file.documents) {
        if (document.errors.length > 0) {
          this.#addBroken({ file: file.path, document, at: '' }, entries, findings);
          continue;
        }
        for (const item of document.items) {
          if (item.state === 'other' && item.problems.length === 0) others.push(item.kind);
          else this.#addItem(item, file.path, document, entries, findings);
        }
      }
    }
    this.#keepOfBroken(entries, findings);
    for (const [path, reason] of this.#unreadable) {
      findings.push({ finding: finding.unreadableFinding(path, reason), written: undefined });
    }
    if (others.length > 0) findings.push({ finding: this.#otherKinds(others), written: undefined });
    return new ResourceSnapshot(this.#files, entries, findings, this.#set);
  }

  #addItem(
    item: Item,
    file: string,
    document: ParsedDocument,
    entries: Map<string, Entry>,
    findings: PlacedFinding[],
  ): void {
    const keyed = item.state === 'unread' || item.state === 'other' ? undefined : item;
    const before = keyed && this.#set?.entries.get(keyed.key);
    const same = before !== undefined && before.item === item && before.written.file === file;
    if (same && item.problems.length === 0 && !entries.has(before.key)) {
      entries.set(before.key, before);
      return;
    }
    const written = { file, document, at: item.at };
    const first = keyed && entries.get(keyed.key);
    if (keyed !== undefined && first !== undefined) {
      findings.push({ finding: finding.duplicateFinding(keyed, file, first), written });
      return;
    }
    const good = before?.resource;
    const kept = item.state === 'invalid' && good !== undefined;
    const found = this.#once(item, kept, () => finding.itemFindings(item, kept));
    for (const each of found) findings.push({ finding: each, written });
    if (keyed === undefined) return;
    if (keyed.state === 'valid') {
      // A comment or another order of fields is no change.
      const equal = good === keyed.resource || isDeepStrictEqual(good, keyed.resource);
      const resource = equal && good !== undefined ? good : keyed.resource;
      entries.set(keyed.key, { key: keyed.key, ref: keyed.ref, resource, invalid: undefined, written, item });
    } else {
      entries.set(keyed.key, this.#entryOf(keyed, kept ? good : undefined, found, written));
    }
  }

  /** A document with errors: what can still be made out of it says which resource is affected. */
  #addBroken(written: Written, entries: Map<string, Entry>, findings: PlacedFinding[]): void {
    const { items, errors } = written.document;
    const keyed = items.filter((item): item is KeyedItem => 'key' in item && !entries.has(item.key));
    const goods = keyed.map(({ key }) => this.#set?.entries.get(key)?.resource);
    const kept = goods.length > 0 && goods.every((good) => good !== undefined);
    const made = (): readonly Finding[] => errors.map((error) => finding.brokenFinding(error, keyed[0], kept));
    const found = this.#once(written.document, kept, made);
    found.forEach((each, index) => findings.push({ finding: each, written, offset: errors[index]?.offset ?? 0 }));
    keyed.forEach((item, index) => {
      entries.set(item.key, this.#entryOf(item, goods[index], found, { ...written, at: item.at }));
    });
  }

  /** The entry of an item that is not valid: the good resource before it, or its invalid form. */
  #entryOf(item: KeyedItem, good: Entry['resource'], findings: readonly Finding[], written: Written): Entry {
    const { key, ref } = item;
    if (good !== undefined) return { key, ref, resource: good, invalid: undefined, written, item };
    const before = this.#set?.entries.get(key)?.invalid;
    const raw = 'raw' in item ? item.raw : item.resource;
    const same = before !== undefined && before.raw === raw && before.findings === findings;
    return { key, ref, resource: undefined, invalid: same ? before : { ref, findings, raw }, written, item };
  }

  /** Of files with a document that cannot be read, keeps what they held before and do not show now. */
  #keepOfBroken(entries: Map<string, Entry>, findings: PlacedFinding[]): void {
    const kept = new Map<FileState, string[]>();
    for (const entry of this.#set?.entries.values() ?? []) {
      const file = this.#files.get(entry.written.file);
      if (file?.broken === undefined || entries.has(entry.key)) continue;
      const written = { file: file.path, document: file.broken, at: '' };
      entries.set(entry.key, { ...entry, written, item: undefined });
      kept.set(file, [...(kept.get(file) ?? []), entry.key]);
    }
    for (const [file, keys] of kept) {
      const written = file.broken && { file: file.path, document: file.broken, at: '' };
      findings.push({ finding: finding.keptFinding(keys), written });
    }
  }

  #once(owner: object, kept: boolean, make: () => readonly Finding[]): readonly Finding[] {
    const variants = this.#made.get(owner) ?? new Map<string, readonly Finding[]>();
    this.#made.set(owner, variants);
    const known = variants.get(String(kept)) ?? make();
    variants.set(String(kept), known);
    return known;
  }

  #otherKinds(kinds: readonly string[]): Finding {
    const made = finding.otherKindsFinding(kinds);
    if (this.#others?.message !== made.message) this.#others = made;
    return this.#others ?? made;
  }
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
