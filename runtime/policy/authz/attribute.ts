import { matchKey, type Match } from './atom.ts';

const NONE: readonly number[] = [];

/** Most values concern one conjunct: a list of one, made at once, is smaller than one that grew. */
const appended = (list: readonly number[], item: number): readonly number[] => {
  if (list.length === 0) return [item];
  (list as number[]).push(item);
  return list;
};

/** A value that policies compare an attribute to, and the conjuncts it concerns, ascending. */
export class Atom {
  readonly match: Match;
  /** How many clauses ask for it: the fewer, the better it is to look for. */
  popularity = 0;
  #positive = NONE;
  #anchor = NONE;
  #negative = NONE;

  constructor(match: Match) {
    this.match = match;
  }

  get positive(): readonly number[] {
    return this.#positive;
  }

  /** Of the positive ones those that are found by it. */
  get anchor(): readonly number[] {
    return this.#anchor;
  }

  get negative(): readonly number[] {
    return this.#negative;
  }

  addPositive(conjunct: number): void {
    this.#positive = appended(this.#positive, conjunct);
  }

  addAnchor(conjunct: number): void {
    this.#anchor = appended(this.#anchor, conjunct);
  }

  addNegative(conjunct: number): void {
    this.#negative = appended(this.#negative, conjunct);
  }

  /** Some conjunct names it: one that belongs only to rules that can never hold is not written. */
  get used(): boolean {
    return this.#positive.length > 0 || this.#negative.length > 0;
  }
}

/** One attribute of requests with all values that policies compare it to. */
export class Attribute {
  readonly kind: number;
  /** Header name in lower case, or place in metadata as JSON; empty for other attributes. */
  readonly name: string;
  readonly instance: number;
  /** In the order in which attributes are asked for: what tells them apart. */
  readonly number: number;
  /** A conjunct is found by one of its values. */
  anchored = false;
  readonly #atoms: Atom[] = [];
  /** Made when there is a second one. */
  #byKey: Map<string, Atom> | undefined;

  constructor(kind: number, name: string, instance: number, number: number) {
    this.kind = kind;
    this.name = name;
    this.instance = instance;
    this.number = number;
  }

  /** The atom of a match: always the same one. */
  atom(match: Match): Atom {
    // Most attributes have one value, which needs no table.
    if (this.#atoms.length === 0) return this.#add(match);
    this.#byKey ??= new Map(this.#atoms.map((atom) => [matchKey(atom.match), atom]));
    const key = matchKey(match);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const atom = this.#add(match);
    this.#byKey.set(key, atom);
    return atom;
  }

  #add(match: Match): Atom {
    const atom = new Atom(match);
    this.#atoms.push(atom);
    return atom;
  }

  used(): readonly Atom[] {
    return this.#atoms.every(({ used }) => used) ? this.#atoms : this.#atoms.filter(({ used }) => used);
  }
}

/** So many are looked through one by one. */
const FEW = 8;

const keyOf = ({ kind, name, instance }: Pick<Attribute, 'kind' | 'name' | 'instance'>): string =>
  `${kind} ${instance} ${name}`;

/** The attributes that policies ask about. */
export class Attributes {
  readonly all: Attribute[] = [];
  /** Made when there are more than a few. */
  #byName: Map<string, Attribute> | undefined;

  /** The attribute of this kind (ATTRIBUTE_*) and name; `instance` 1 and on: the same once more. */
  get(kind: number, name: string, instance = 0): Attribute {
    const known = this.#find(kind, name, instance);
    if (known !== undefined) return known;
    const attribute = new Attribute(kind, name, instance, this.all.length);
    this.#byName?.set(keyOf(attribute), attribute);
    this.all.push(attribute);
    return attribute;
  }

  #find(kind: number, name: string, instance: number): Attribute | undefined {
    if (this.all.length > FEW) {
      this.#byName ??= new Map(this.all.map((attribute) => [keyOf(attribute), attribute]));
      return this.#byName.get(keyOf({ kind, name, instance }));
    }
    for (const each of this.all)
      if (each.kind === kind && each.instance === instance && each.name === name) return each;
    return undefined;
  }
}
