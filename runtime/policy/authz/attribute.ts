import { matchKey, type Match } from './atom.ts';

/** A value that policies compare an attribute to, and the conjuncts it concerns, ascending. */
export class Atom {
  readonly match: Match;
  /** How many clauses ask for it: the fewer, the better it is to look for. */
  popularity = 0;
  readonly positive: number[] = [];
  /** Of the positive ones those that are found by it. */
  readonly anchor: number[] = [];
  readonly negative: number[] = [];

  constructor(match: Match) {
    this.match = match;
  }

  /** Some conjunct names it: one that belongs only to rules that can never hold is not written. */
  get used(): boolean {
    return this.positive.length > 0 || this.negative.length > 0;
  }
}

/** One attribute of requests with all values that policies compare it to. */
export class Attribute {
  readonly kind: number;
  /** Header name in lower case, or place in metadata as JSON; empty for other attributes. */
  readonly name: string;
  /** In the order in which attributes are asked for: what tells them apart. */
  readonly number: number;
  /** A conjunct is found by one of its values. */
  anchored = false;
  readonly #atoms = new Map<string, Atom>();

  constructor(kind: number, name: string, number: number) {
    this.kind = kind;
    this.name = name;
    this.number = number;
  }

  /** The atom of a match: always the same one. */
  atom(match: Match): Atom {
    const key = matchKey(match);
    let atom = this.#atoms.get(key);
    if (atom === undefined) {
      atom = new Atom(match);
      this.#atoms.set(key, atom);
    }
    return atom;
  }

  used(): readonly Atom[] {
    return [...this.#atoms.values()].filter((atom) => atom.used);
  }
}

/** The attributes that policies ask about. */
export class Attributes {
  readonly #byName: Map<string, Attribute>[] = [];
  readonly all: Attribute[] = [];

  /** The attribute of this kind (ATTRIBUTE_*) and name; `instance` 1 and on: the same once more. */
  get(kind: number, name: string, instance = 0): Attribute {
    const names = (this.#byName[kind + 32 * instance] ??= new Map<string, Attribute>());
    let attribute = names.get(name);
    if (attribute === undefined) {
      attribute = new Attribute(kind, name, this.all.length);
      names.set(name, attribute);
      this.all.push(attribute);
    }
    return attribute;
  }
}
