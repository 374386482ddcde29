import { type Document, type Node, Composer, CST, isAlias, isMap, isScalar, isSeq, Lexer, Parser, visit } from 'yaml';
import { kubectlScalars } from './yaml-scalar.ts';

/** Collections within collections; Kubernetes resources stay below 20. */
const MAX_DEPTH = 64;
/** Uses of aliases, each counted with what it stands for: what an alias bomb runs into. */
const MAX_ALIASES = 100;
/** Errors told of one document; after the first few they follow from each other. */
const MAX_ERRORS = 5;

export interface YamlError {
  readonly kind: 'syntax' | 'duplicate' | 'limit';
  readonly message: string;
  /** From the first character of the text. */
  readonly offset: number;
}

export interface YamlTree {
  /** Plain data; undefined for nothing but comments. With errors: what could be read. */
  readonly value: unknown;
  readonly errors: readonly YamlError[];
  readonly root: Node | undefined;
}

const options = {
  version: '1.2',
  schema: 'failsafe',
  customTags: kubectlScalars,
  merge: true,
  prettyErrors: false,
  keepSourceTokens: false,
  // The package compares every key with every other; duplicatesIn does it in linear time.
  uniqueKeys: false,
  strict: true,
  logLevel: 'silent',
} as const;

/**
 * Parses one YAML (or JSON) document. Never throws: what is wrong is in `errors`, each with its place.
 * The text is read token by token, so that what nests too deep is given up before anything recurses into it.
 */
export function parseYaml(text: string): YamlTree {
  if (text.includes('\0'))
    return failed('limit', 'the text has a NUL byte: it is binary, or not UTF-8', text.indexOf('\0'));
  const documents: Document.Parsed[] = [];
  try {
    let failures = 0;
    const lexer = new Lexer();
    const parser = new Parser();
    const composer = new Composer(options);
    let aliases = 0;
    for (const lexeme of lexer.lex(text)) {
      // Each is looked up by a walk through the document.
      if (CST.tokenType(lexeme) === 'alias' && ++aliases > MAX_ALIASES) {
        return failed('limit', `more than ${MAX_ALIASES} aliases`, parser.offset);
      }
      for (const token of parser.next(lexeme)) {
        if (token.type === 'error') failures++;
        documents.push(...composer.next(token));
      }
      // Text that is no YAML at all can have an error for every character.
      if (failures > MAX_ERRORS) break;
      if (parser.stack.length > MAX_DEPTH && depthOf(parser) > MAX_DEPTH) {
        return failed('limit', `nested deeper than ${MAX_DEPTH} levels`, parser.offset);
      }
    }
    for (const token of parser.end()) documents.push(...composer.next(token));
    documents.push(...composer.end());
  } catch (error) {
    return failed('syntax', messageOf(error), 0);
  }
  return finish(documents);
}

function depthOf({ stack }: Parser): number {
  return stack.filter(({ type }) => type === 'block-map' || type === 'block-seq' || type === 'flow-collection').length;
}

function finish([document, second]: readonly Document.Parsed[]): YamlTree {
  if (document === undefined) return { value: undefined, errors: [], root: undefined };
  const errors: YamlError[] = [...document.errors, ...document.warnings].map(({ message, pos }) => ({
    kind: 'syntax',
    message: firstLine(message),
    offset: pos[0],
  }));
  duplicatesIn(document.contents, errors);
  errors.splice(MAX_ERRORS);
  if (second !== undefined) {
    errors.push({ kind: 'syntax', message: 'a second document without "---" before it', offset: second.range[0] });
  }
  const root = document.contents ?? undefined;
  try {
    const value: unknown = root === undefined ? undefined : document.toJS({ maxAliasCount: MAX_ALIASES });
    return { value: value ?? undefined, errors, root };
  } catch (error) {
    const limit = error instanceof ReferenceError && error.message.startsWith('Excessive');
    errors.push({
      kind: limit ? 'limit' : 'syntax',
      message: limit ? `aliases stand for more than ${MAX_ALIASES} values` : messageOf(error),
      offset: aliasWithoutAnchor(document) ?? root?.range?.[0] ?? 0,
    });
    return { value: undefined, errors, root };
  }
}

/** Adds keys that are given twice, for which YAML has no meaning and readers have different ones. */
function duplicatesIn(node: unknown, errors: YamlError[]): void {
  if (isSeq(node)) {
    for (const item of node.items) duplicatesIn(item, errors);
  } else if (isMap(node)) {
    const seen = new Set<unknown>();
    for (const { key, value } of node.items) {
      if (isScalar(key)) {
        const name = typeof key.value === 'symbol' ? '<<' : String(key.value);
        if (seen.has(name)) {
          const offset = key.range?.[0] ?? 0;
          errors.push({ kind: 'duplicate', message: `the key "${name}" is given twice`, offset });
        }
        seen.add(name);
      }
      duplicatesIn(value, errors);
    }
  }
}

function aliasWithoutAnchor(document: Document.Parsed): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = alias.range?.[0];
      return visit.BREAK;
    },
  });
  return offset;
}

const failed = (kind: YamlError['kind'], message: string, offset: number): YamlTree => ({
  value: undefined,
  errors: [{ kind, message, offset }],
  root: undefined,
});

const messageOf = (error: unknown): string => firstLine(error instanceof Error ? error.message : String(error));
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;

/**
 * The offset of a field: of its key, or of an item of a list; where the path leads nowhere, of the last thing on its
 * way that is there. `path` is as in findings.
 */
export function offsetOf(tree: YamlTree, path: string): number {
  let node: unknown = tree.root;
  let offset = tree.root?.range?.[0] ?? 0;
  for (const segment of segmentsOf(path)) {
    if (isAlias(node)) return offset;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === segment);
      if (pair === undefined) return offset;
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(segment)] as Node | null | undefined;
      if (item === undefined || item === null) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else {
      return offset;
    }
  }
  return offset;
}

/** `spec.rules[0].labels[a.b/c]` to its names, indices and keys. */
function segmentsOf(path: string): readonly string[] {
  return [...path.matchAll(/\[([^\]]*)\]|[^.[]+/g)].map(([whole, inner]) => inner ?? whole);
}
