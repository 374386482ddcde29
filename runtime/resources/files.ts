import { type Dirent, lstatSync, readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { MAX_FILE_SIZE } from './document.ts';

/** Standard input among paths, and as the name of what was read from it. */
export const STANDARD_INPUT = '-';

export interface FileTexts {
  /** By path: as it was given, or below a given folder. */
  readonly files: ReadonlyMap<string, string>;
  /** What is there and cannot be read, or was named and is not there, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** What is read of a folder. Hidden names are left out, also `..data`, by which Kubernetes mounts ConfigMaps. */
const isResourceFile = (name: string): boolean => /^[^.].*\.(?:ya?ml|json)$/.test(name);

/** A modification this close to the reading may have a successor with the same time. */
const CLOCK_GRAIN_MS = 50;

interface Known {
  readonly stats: Stats;
  readonly text: string;
  readonly readAt: number;
}

/**
 * Reads files and folders (all `*.yaml`, `*.yml` and `*.json` below them) again and again: a file that has the size,
 * time and inode that it had is not read, so looking at a thousand unchanged files takes a few milliseconds.
 */
export class FileReader {
  readonly #paths: readonly string[];
  readonly #input: string | undefined;
  readonly #onFolder: (path: string) => void;
  #known: Map<string, Known> = new Map();
  #folders: ReadonlySet<string> = new Set();
  /** Something may change where no event of a file tells of it: behind a link, or what could not be read. */
  #unsure = true;

  /**
   * `input` is the text of standard input, for the path `-`. `onFolder` is told of every folder in which a change may
   * matter, before the folder is read.
   */
  constructor(paths: readonly string[], input?: string, onFolder: (path: string) => void = () => undefined) {
    this.#paths = [...new Set(paths)];
    this.#input = input;
    this.#onFolder = onFolder;
  }

  /** Everything as it is now. Never throws: what cannot be read is named with its reason. */
  read(): FileTexts {
    const files = new Map<string, string>();
    const unreadable = new Map<string, string>();
    const known = new Map<string, Known>();
    const folders = new Set<string>();
    const visit = new Visit(this.#known, known, unreadable, (path) => {
      folders.add(path);
      this.#onFolder(path);
    });
    for (const path of this.#paths) {
      if (path !== STANDARD_INPUT) visit.named(path);
      else if (this.#input !== undefined) files.set(path, this.#input);
    }
    for (const [path, { text }] of known) files.set(path, text);
    this.#known = known;
    this.#folders = folders;
    this.#unsure = visit.unsure || unreadable.size > 0;
    return { files, unreadable };
  }

  /**
   * The texts as they were, with what was edited of these files, of which something was heard. Undefined: only reading
   * everything tells what they are now, because files or folders came or went, or are links.
   */
  reread(paths: Iterable<string>, before: FileTexts): FileTexts | undefined {
    if (this.#unsure) return undefined;
    const edited = new Map<string, string>();
    for (const path of paths) {
      const known = this.#known.get(path);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (known === undefined) {
        const passing =
          stats === undefined ? !this.#folders.has(path) : stats.isFile() && !isResourceFile(basename(path));
        if (passing || basename(path).startsWith('.')) continue;
        return undefined;
      }
      if (stats?.isFile() !== true || stats.size > MAX_FILE_SIZE) return undefined;
      if (isSame(known, stats)) continue;
      const read = readKnown(path, stats);
      if (read === undefined) return undefined;
      this.#known.set(path, read);
      if (read.text !== before.files.get(path)) edited.set(path, read.text);
    }
    return edited.size === 0 ? before : { files: new Map([...before.files, ...edited]), unreadable: before.unreadable };
  }
}

function readKnown(path: string, stats: Stats): Known | undefined {
  const readAt = Date.now();
  try {
    return { stats, text: readFileSync(path, 'utf8'), readAt };
  } catch {
    return undefined;
  }
}

/** Reads files and folders once; `input` is the text of standard input, for the path `-`. */
export function readFiles(paths: readonly string[], input?: string): FileTexts {
  return new FileReader(paths, input).read();
}

/** One walk over all paths. */
class Visit {
  readonly #before: ReadonlyMap<string, Known>;
  readonly #known: Map<string, Known>;
  readonly #unreadable: Map<string, string>;
  readonly #onFolder: (path: string) => void;
  /** Something was reached in a way of which no event of its own folder tells. */
  unsure = false;

  constructor(
    before: ReadonlyMap<string, Known>,
    known: Map<string, Known>,
    unreadable: Map<string, string>,
    onFolder: (path: string) => void,
  ) {
    this.#before = before;
    this.#known = known;
    this.#unreadable = unreadable;
    this.#onFolder = onFolder;
  }

  /** A path that somebody gave: it must be there. */
  named(path: string): void {
    this.#try(path, true, () => {
      const folder = dirname(path);
      this.#onFolder(folder);
      this.#followLink(path, folder);
      const stats = statSync(path);
      if (stats.isDirectory()) this.#folder(path, []);
      else if (stats.isFile()) {
        // Events name a file by its folder and its name.
        this.unsure ||= join(folder, basename(path)) !== path;
        this.#file(path, stats);
      } else throw new Error('it is neither a file nor a folder');
    });
  }

  /** `above` are the real paths of the folders around, so that links in a circle end. */
  #folder(path: string, above: readonly string[]): void {
    const real = realpathSync(path);
    if (above.includes(real)) return;
    this.#onFolder(path);
    for (const entry of readdirSync(path, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const child = join(path, entry.name);
      if (entry.name.startsWith('.')) continue;
      this.#try(child, false, () => {
        if (entry.isDirectory()) this.#folder(child, [...above, real]);
        else if (entry.isFile() && !isResourceFile(entry.name)) return;
        else this.#fileOrLink(child, entry, [...above, real]);
      });
    }
  }

  #fileOrLink(path: string, entry: Dirent, above: readonly string[]): void {
    const stats = statSync(path);
    this.unsure ||= entry.isSymbolicLink();
    if (stats.isDirectory()) this.#folder(path, above);
    else if (stats.isFile() && isResourceFile(entry.name)) {
      // Asking for the real path of every file would cost four times what the rest does.
      if (entry.isSymbolicLink()) this.#followLink(path, above.at(-1) ?? '');
      this.#file(path, stats);
    }
  }

  /** What a link leads to may change where the link is not. */
  #followLink(path: string, folder: string): void {
    const real = dirname(realpathSync(path));
    if (real === folder) return;
    this.unsure ||= real !== realpathSync(folder);
    this.#onFolder(real);
  }

  #file(path: string, stats: Stats): void {
    if (stats.size > MAX_FILE_SIZE) throw new Error(`it has ${stats.size} bytes; at most ${MAX_FILE_SIZE} are read`);
    const before = this.#before.get(path);
    if (before !== undefined && isSame(before, stats)) {
      this.#known.set(path, before);
      return;
    }
    const readAt = Date.now();
    this.#known.set(path, { stats, text: readFileSync(path, 'utf8'), readAt });
  }

  #try(path: string, named: boolean, read: () => void): void {
    try {
      read();
    } catch (error) {
      // In a folder: gone between listing and reading, or a link to nowhere, which is as if it were not there.
      if (named || codeOf(error) !== 'ENOENT') this.#unreadable.set(path, reasonOf(error));
    }
  }
}

function isSame({ stats: a, readAt }: Known, b: Stats): boolean {
  const settled = Math.max(a.mtimeMs, a.ctimeMs) < readAt - CLOCK_GRAIN_MS;
  return settled && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.size === b.size && a.ino === b.ino;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

const reasons: ReadonlyMap<string | undefined, string> = new Map([
  ['ENOENT', 'there is no such file or folder'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['ELOOP', 'its links lead in a circle'],
]);

const reasonOf = (error: unknown): string =>
  reasons.get(codeOf(error)) ?? (error instanceof Error ? error.message : String(error));
