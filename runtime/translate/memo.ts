/**
 * Remembers, for each key, the inputs of the last computation and what came of it. The same inputs (`===`, one by one)
 * give the same output object, which is what makes translation incremental. When other inputs lead to an equal output
 * (a pod changed in what does not concern us), the earlier object is given again, so a change goes no further than
 * it matters.
 */
export class Memo<V> {
  #entries = new Map<string, Entry<V>>();
  #round = 0;

  get(key: string, inputs: readonly unknown[], make: () => V): V {
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      const value = make();
      this.#entries.set(key, { inputs, value, round: this.#round });
      return value;
    }
    entry.round = this.#round;
    if (sameItems(entry.inputs, inputs)) return entry.value;
    const value = make();
    entry.inputs = inputs;
    if (!equal(entry.value, value)) entry.value = value;
    return entry.value;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Forgets every key that was not asked for since the last sweep: call it once at the end of a translation. */
  sweep(): void {
    const round = this.#round++;
    this.#entries.forEach((entry, key) => {
      if (entry.round !== round) this.#entries.delete(key);
    });
  }
}

interface Entry<V> {
  inputs: readonly unknown[];
  value: V;
  round: number;
}

/** A memo of one value, for when its owner is remembered already. */
export class Slot<V> {
  #inputs: readonly unknown[] | undefined;
  #value: V | undefined;

  get(inputs: readonly unknown[], make: () => V): V {
    if (this.#inputs !== undefined && sameItems(this.#inputs, inputs)) return this.#value!;
    const value = make();
    if (this.#inputs === undefined || !equal(this.#value, value)) this.#value = value;
    this.#inputs = inputs;
    return this.#value!;
  }
}

/** A memo whose keys are resources: found by their names as they are, without making a text of them. */
export class ResourceMemo<V> {
  readonly #namespaces = new Map<string, Memo<V>>();

  get(metadata: { readonly namespace: string; readonly name: string }, inputs: readonly unknown[], make: () => V): V {
    let memo = this.#namespaces.get(metadata.namespace);
    if (memo === undefined) this.#namespaces.set(metadata.namespace, (memo = new Memo()));
    return memo.get(metadata.name, inputs, make);
  }

  get size(): number {
    let size = 0;
    for (const memo of this.#namespaces.values()) size += memo.size;
    return size;
  }

  sweep(): void {
    for (const [namespace, memo] of this.#namespaces) {
      memo.sweep();
      if (memo.size === 0) this.#namespaces.delete(namespace);
    }
  }
}

/** Keeps the identity of lists: a list with the same items as the last one under its key is given as that one. */
export class ListMemo {
  readonly #memo = new Memo<readonly unknown[]>();

  keep<T>(key: string, list: readonly T[]): readonly T[] {
    return list.length === 0 ? none : (this.#memo.get(key, list, () => list) as readonly T[]);
  }

  sweep(): void {
    this.#memo.sweep();
  }
}

/** The empty list: one for all, so that lists that stay empty stay the same. */
export const none: readonly never[] = [];

export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Equality of plain readonly data. An absent member and one that is undefined are different. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && !equal(a[i], b[i])) return false;
    return true;
  }
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key as keyof typeof a], b[key as keyof typeof b]))
  );
}

/** Maps, class instances and the like are equal to themselves alone; maps of the schema have no prototype. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

interface Named {
  readonly metadata: { readonly namespace: string; readonly name: string };
}

/**
 * Remembers what came of each resource of a list. While everything `around` the list is the same, only resources that
 * are new need a look; otherwise each is asked whether its own inputs changed.
 */
export class EachMemo<T extends Named, V> {
  readonly #memo = new ResourceMemo<V>();
  #around: readonly unknown[] = none;
  #items: readonly T[] = none;
  #values: readonly V[] = none;

  /** In the order of `items`. The inputs of one are to begin with itself. */
  get(
    items: readonly T[],
    around: readonly unknown[],
    inputsOf: (item: T) => readonly unknown[],
    make: (item: T) => V,
  ): readonly V[] {
    const same = sameItems(this.#around, around);
    const before = same ? this.#items : none;
    const values = this.#values;
    // An edit leaves the others where they are.
    const moved = same && items.length !== before.length ? new Map(before.map((item, at) => [item, at])) : undefined;
    this.#values = items.map((item, index) => {
      const at = moved === undefined ? index : (moved.get(item) ?? -1);
      return before[at] === item ? values[at]! : this.#memo.get(item.metadata, inputsOf(item), () => make(item));
    });
    // Only a look at all of them tells which are gone; what is forgotten too early is made again and found equal.
    if (!same || this.#memo.size > 2 * items.length) this.#memo.sweep();
    this.#around = around;
    this.#items = items;
    return this.#values;
  }
}

/** A step of a translation that is taken again only when one of its inputs is another object than the last time. */
export function step<I extends readonly unknown[], O>(compute: (...inputs: I) => O): (...inputs: I) => O {
  let last: { readonly inputs: I; readonly output: O } | undefined;
  return (...inputs) => {
    if (last === undefined || !sameItems(last.inputs, inputs)) last = { inputs, output: compute(...inputs) };
    return last.output;
  };
}
