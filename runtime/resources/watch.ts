import { type FSWatcher, statSync, watch as watchFolder } from 'node:fs';
import { basename, join } from 'node:path';
import { FileReader, type FileTexts } from './files.ts';

export interface WatchOptions {
  /** Quiet time after which a change is told, in milliseconds. */
  readonly debounceMs?: number;
  /** While changes do not end, one is told this often at least, in milliseconds. */
  readonly maxWaitMs?: number;
  /** Text of standard input, for the path `-`. */
  readonly input?: string;
}

export interface FileWatch extends Disposable {
  /** All files at the beginning of the watch. */
  readonly initial: FileTexts;
  /** All files as they were when they were last looked at. */
  latest(): FileTexts;
  /** Looks at all files now. What it finds is not told again. */
  read(): FileTexts;
  close(): void;
}

/** Where a folder cannot be watched, all files are looked at this often. */
const POLL_MS = 1000;

/** So long after edits of single files all files are looked at: the system may have lost what it had to tell. */
const WHOLE_MS = 2000;

/**
 * Watches files and folders, as `FileReader` reads them: edits in place and by renaming, files and folders that come
 * and go, links that are swapped. `onChange` gets everything, and is called when something is not as it was: once for
 * a burst of changes.
 */
export function watch(
  paths: readonly string[],
  onChange: (files: FileTexts) => void,
  { debounceMs = 50, maxWaitMs = 250, input }: WatchOptions = {},
): FileWatch {
  const folders = new FolderWatchers(changed);
  const reader = new FileReader(paths, input, (folder) => folders.add(folder));
  const initial = folders.during(() => reader.read());
  let last = initial;
  let timer: NodeJS.Timeout | undefined;
  let firstChange = 0;
  /** Files of which something was heard; undefined: of what, is not known. */
  let heard: Set<string> | undefined = new Set();
  let whole: NodeJS.Timeout | undefined;

  function changed(path?: string): void {
    if (path === undefined) heard = undefined;
    else heard?.add(path);
    const now = performance.now();
    if (timer === undefined) firstChange = now;
    else clearTimeout(timer);
    timer = setTimeout(look, Math.max(0, Math.min(debounceMs, firstChange + maxWaitMs - now)));
  }

  function read(): FileTexts {
    clearTimeout(whole);
    heard = new Set();
    const files = folders.during(() => reader.read());
    if (!sameTexts(files.files, last.files) || !sameTexts(files.unreadable, last.unreadable)) last = files;
    return last;
  }

  function look(): void {
    timer = undefined;
    const before = last;
    // An edit of one file costs a look at that one.
    const edited = heard && reader.reread(heard, before);
    if (edited === undefined) read();
    else {
      last = edited;
      heard = new Set();
      clearTimeout(whole);
      whole = setTimeout(() => changed(), WHOLE_MS);
    }
    if (last !== before) onChange(last);
  }

  function close(): void {
    clearTimeout(timer);
    clearTimeout(whole);
    folders.close();
  }

  return { initial, latest: () => last, read, close, [Symbol.dispose]: close };
}

interface Watched {
  /** A folder that was replaced has another one, and its old watcher hears nothing any more. */
  readonly inode: number | undefined;
  /** Undefined: the system would not watch it. */
  readonly watcher: FSWatcher | undefined;
}

/** Watchers of the folders that the last reading went through. */
class FolderWatchers {
  /** Told the path that changed, if that is known. */
  readonly #onEvent: (path?: string) => void;
  readonly #watchers = new Map<string, Watched>();
  #seen = new Set<string>();
  #poll: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(onEvent: (path?: string) => void) {
    this.#onEvent = onEvent;
  }

  /** Watches what `read` goes through, and no longer what it does not. */
  during<T>(read: () => T): T {
    this.#seen = new Set();
    const result = read();
    for (const [folder, { watcher }] of this.#watchers) {
      if (this.#seen.has(folder)) continue;
      watcher?.close();
      this.#watchers.delete(folder);
    }
    this.#setPoll();
    return result;
  }

  /** Called before the folder is read, so that no change falls between. */
  add(folder: string): void {
    this.#seen.add(folder);
    if (this.#closed) return;
    const before = this.#watchers.get(folder);
    const inode = statSync(folder, { throwIfNoEntry: false })?.ino;
    if (before?.watcher !== undefined && before.inode === inode) return;
    before?.watcher?.close();
    this.#watchers.set(folder, { inode, watcher: this.#start(folder) });
  }

  #start(folder: string): FSWatcher | undefined {
    try {
      const watcher = watchFolder(folder, (_, name) => {
        // A folder that is gone itself is told by its own name.
        this.#onEvent(name === null || name === basename(folder) ? undefined : join(folder, name));
      });
      watcher.on('error', () => this.#lost(folder));
      return watcher;
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#poll);
    for (const { watcher } of this.#watchers.values()) watcher?.close();
    this.#watchers.clear();
  }

  #lost(folder: string): void {
    this.#watchers.get(folder)?.watcher?.close();
    this.#watchers.set(folder, { inode: undefined, watcher: undefined });
    this.#onEvent();
  }

  #setPoll(): void {
    const needed = [...this.#watchers.values()].some(({ watcher }) => watcher === undefined);
    if (needed && this.#poll === undefined) this.#poll = setInterval(() => this.#onEvent(), POLL_MS);
    else if (!needed) {
      clearInterval(this.#poll);
      this.#poll = undefined;
    }
  }
}

function sameTexts(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [path, text] of a) if (b.get(path) !== text) return false;
  return true;
}
