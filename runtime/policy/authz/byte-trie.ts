import type { ProgramWriter } from '../writer.ts';

/** A key of a trie, and the numbers (plus one; 0: none) of what is there exactly and for all that begins with it. */
export interface TrieKey {
  readonly key: string;
  exact: number;
  prefix: number;
}

const LABEL_MAX = 0xffff;

/** Keys by their text, made as they are asked for. */
export class TrieKeys {
  readonly #keys: TrieKey[] = [];
  /** Made when there is a second one. */
  #byText: Map<string, TrieKey> | undefined;

  at(key: string): TrieKey {
    if (this.#keys.length === 0) return this.#add(key);
    this.#byText ??= new Map(this.#keys.map((each) => [each.key, each]));
    const found = this.#byText.get(key);
    if (found) return found;
    const added = this.#add(key);
    this.#byText.set(key, added);
    return added;
  }

  #add(key: string): TrieKey {
    const added = { key, exact: 0, prefix: 0 };
    this.#keys.push(added);
    return added;
  }

  get size(): number {
    return this.#keys.length;
  }

  /** In the order of their bytes. */
  sorted(): readonly TrieKey[] {
    return this.#keys.length < 2 ? this.#keys : this.#keys.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** Writes the trie (see filters/abi/authz.ts) of sorted keys; gives the offset of its root. No keys: 0. */
export function writeTrie(writer: ProgramWriter, keys: readonly TrieKey[]): number {
  return keys.length === 0 ? 0 : writeNode(writer, keys, 0, keys.length, 0);
}

/** The node of keys[low, high), which agree in their first `depth` bytes. */
function writeNode(writer: ProgramWriter, keys: readonly TrieKey[], low: number, high: number, depth: number): number {
  const shortest = keyAt(keys, low);
  const end = Math.min(commonPrefix(shortest.key, keyAt(keys, high - 1).key, depth), depth + LABEL_MAX);
  const here = shortest.key.length === end;
  const at = writer.size;
  writer.u32(here ? shortest.exact : 0);
  writer.u32(here ? shortest.prefix : 0);
  // Most tries have one key.
  if (here && high === low + 1) {
    writer.u16(end - depth);
    writer.u16(0);
    writer.binary(shortest.key, depth, end);
    return at;
  }
  const children: { readonly low: number; readonly high: number }[] = [];
  for (let next = here ? low + 1 : low; next < high;) {
    const from = next;
    const byte = keyAt(keys, from).key.charCodeAt(end);
    next = firstPast(keys, from, high, end, byte);
    children.push({ low: from, high: next });
  }
  writer.u16(end - depth);
  writer.u16(children.length);
  writer.binary(shortest.key, depth, end);
  for (const child of children) writer.u8(keyAt(keys, child.low).key.charCodeAt(end));
  let slot = writer.reserve(4 * children.length);
  for (const child of children) {
    writer.setU32(slot, writer.size);
    slot += 4;
    writeNode(writer, keys, child.low, child.high, end + 1);
  }
  return at;
}

/** The first key from `low` whose byte at `index` is greater than `byte`. */
function firstPast(keys: readonly TrieKey[], low: number, high: number, index: number, byte: number): number {
  let from = low + 1;
  let to = high;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (keyAt(keys, middle).key.charCodeAt(index) > byte) to = middle;
    else from = middle + 1;
  }
  return from;
}

function commonPrefix(a: string, b: string, from: number): number {
  const end = Math.min(a.length, b.length);
  let i = from;
  while (i < end && a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return i;
}

function keyAt(keys: readonly TrieKey[], index: number): TrieKey {
  const key = keys[index];
  if (key === undefined) throw new RangeError(`trie: expected a key at ${index} of ${keys.length}`);
  return key;
}
