import { readItems, type Item } from './item.ts';
import { offsetOf, parseYaml, type YamlError, type YamlTree } from './yaml-tree.ts';

/** Characters of a file that are read; a cluster takes 3 MB in one request. */
export const MAX_FILE_SIZE = 8 * 1024 * 1024;

/** A part of a file between `---` markers, still unread. `offset` counts from the start of the file. */
export interface DocumentText {
  readonly offset: number;
  readonly text: string;
}

/** Line and column, both from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * One document, read: depends on its text alone, so equal texts need reading once. Keeps the text and not the parse
 * tree; a place is looked up by parsing again, which only a document with findings ever needs.
 */
export class ParsedDocument {
  readonly text: string;
  readonly items: readonly Item[];
  readonly errors: readonly YamlError[];
  /** Nobody knows what all of it was meant to be. */
  readonly broken: boolean;
  #tree: YamlTree | undefined;

  constructor(text: string) {
    this.text = text;
    const tree = parseYaml(text);
    this.errors = tree.errors;
    this.items = readItems(tree.value, tree.errors.length > 0);
    this.broken = tree.errors.length > 0 || this.items.some(({ state }) => state === 'unread');
  }

  /** The offset in the text of the field that a path names, or of what is nearest to it. */
  offsetOf(path: string): number {
    this.#tree ??= parseYaml(this.text);
    return offsetOf(this.#tree, path);
  }
}

/**
 * Cuts a file at the lines that begin with `---` or `...`, which YAML allows nowhere inside a document. A marker stays
 * with the document that it begins; directives stay with the marker that they are for.
 */
export function splitDocuments(file: string): readonly DocumentText[] {
  const documents: DocumentText[] = [];
  let start = file.startsWith('\uFEFF') ? 1 : 0;
  let begun = false;
  const cut = (end: number): void => {
    const text = file.slice(start, end);
    if (!isBlank(text)) documents.push({ offset: start, text });
  };
  for (const { index } of file.matchAll(/\n(?:---|\.\.\.)(?![^ \t\r\n])/g)) {
    const marker = index + 1;
    if (file[marker] === '.') {
      cut(marker);
      start = markerEnd(file, marker);
      begun = false;
    } else if (file[start] === '%' && !begun) {
      begun = true;
    } else {
      cut(marker);
      start = marker;
      begun = false;
    }
  }
  cut(file.length);
  return documents;
}

/** What follows `...` begins on the next line, unless somebody wrote on. */
function markerEnd(file: string, marker: number): number {
  const lineEnd = file.indexOf('\n', marker);
  const end = lineEnd < 0 ? file.length : lineEnd + 1;
  return file.slice(marker + 3, end).trim() === '' ? end : marker + 3;
}

/** A marker without anything is common at the start and the end of files. */
const isBlank = (text: string): boolean => !/\S/.test(text.startsWith('---') ? text.slice(3) : text);

/** Line and column of an offset; columns count UTF-16 units, as editors do. */
export function positionAt(text: string, offset: number): Position {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: offset - lineStart + (lineStart === 0 && text.startsWith('\uFEFF') ? 0 : 1) };
}
