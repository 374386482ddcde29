import {
  ATOM_SIZE,
  ATTRIBUTE_HEADER,
  ATTRIBUTE_HOST,
  ATTRIBUTE_METHOD,
  ATTRIBUTE_NEXT,
  ATTRIBUTE_PATH,
  ATTRIBUTE_SIZE,
  AUTHZ_ACTIVE_WORDS,
  AUTHZ_ALLOW_WORDS,
  AUTHZ_ALWAYS,
  AUTHZ_ANCHORED,
  AUTHZ_ATOMS,
  AUTHZ_ATOM_COUNT,
  AUTHZ_ATTRIBUTES,
  AUTHZ_ATTRIBUTE_COUNT,
  AUTHZ_BODY,
  AUTHZ_DENY_WORDS,
  AUTHZ_ENTRIES,
  AUTHZ_ENTRY_COUNT,
  AUTHZ_FLAGS,
  AUTHZ_FORMAT,
  AUTHZ_GENERATION,
  AUTHZ_LINKS,
  AUTHZ_LINK_RECORDS,
  AUTHZ_LINK_RECORDS_SIZE,
  AUTHZ_NAMES,
  AUTHZ_NAMES_SIZE,
  AUTHZ_ONE_HEADER,
  AUTHZ_POLICIES,
  AUTHZ_POLICY_COUNT,
  AUTHZ_POSTINGS,
  AUTHZ_POSTINGS_SIZE,
  AUTHZ_PROVIDERS,
  AUTHZ_PROVIDER_COUNT,
  AUTHZ_RULES,
  AUTHZ_RULE_COUNT,
  AUTHZ_RULE_TABLE,
  AUTHZ_WORDS,
  AUTHZ_WORD_INDEX,
  PROVIDER_END,
  PROVIDER_SIZE,
  PROVIDER_STATE,
  PROVIDER_STATE_SIZE,
} from '#abi/authz.ts';
import { FEATURE_AUTHZ } from '#abi/program.ts';
import type { AuthzPolicy } from '#model/authz.ts';
import { ProgramWriter } from '../writer.ts';
import { writeAttribute } from './attribute-record.ts';
import type { Atom, Attribute, Attributes } from './attribute.ts';
import { TrieKeys, writeTrie } from './byte-trie.ts';
import type { Conjunct, Demand, Factor } from './conjunct.ts';
import { isMetadata, writeSteps } from './metadata-steps.ts';
import { anchorOf, type PlannedRule } from './plan.ts';
import { setBit, writePosting, type Mask } from './posting.ts';

/** A conjunct whose demands are bound to attributes, each of them once. */
interface Bound {
  readonly rule: number;
  readonly links: readonly Factor[];
  readonly uses: readonly Use[];
  /** What it is found by; undefined: it is looked at always. */
  readonly anchor: Use | undefined;
}

interface Use {
  readonly attribute: Attribute;
  positive: readonly Atom[];
  negative: readonly Atom[];
}

/** Which conjuncts of a word ask about an attribute. */
interface Entry {
  readonly attribute: Attribute;
  readonly positive: Mask;
  readonly negative: Mask;
}

/** What goes with the sections of providers. */
export interface CustomSections {
  /** Where the property of each provider is read. */
  readonly states: readonly string[];
  readonly generation: number;
}

/** Gathers the conjuncts of all rules and writes them as a program. */
export class RuleIndex {
  readonly #attributes: Attributes;
  readonly #rules: { readonly policy: number; readonly index: number }[] = [];
  readonly #sections: readonly Bound[][];
  /** By word. */
  readonly #entries: Entry[][] = [];
  /** The last entry of each attribute: conjuncts are numbered in ascending order, so its word is the newest. */
  readonly #newest: { readonly word: number; readonly entry: Entry }[] = [];
  readonly #always: number[] = [];

  /** `sections`: how many groups of rules there are that are asked for apart. Each has words of its own. */
  constructor(attributes: Attributes, sections: number) {
    this.#attributes = attributes;
    this.#sections = Array.from({ length: sections }, () => []);
  }

  /** Enters a rule and gives its number; rules are entered in the order of evaluation. */
  rule(policy: number, index: number): number {
    return this.#rules.push({ policy, index }) - 1;
  }

  add(section: number, { rule, alternatives, links }: PlannedRule): void {
    for (const conjunct of alternatives)
      this.#sections[section]?.push(this.#bind(conjunct, rule, links, anchorOf(conjunct)));
  }

  /** The program: the first two sections are DENY and ALLOW, the others those of providers. */
  write(policies: readonly AuthzPolicy[], flags: number, custom: CustomSections): Uint8Array<ArrayBuffer> {
    const writer = new ProgramWriter();
    writer.reserve(AUTHZ_BODY - writer.size);
    // By conjunct; what fills the last word up has none.
    const rules: number[] = [];
    let count = 0;
    const linked: { readonly conjunct: number; readonly links: readonly Factor[] }[] = [];
    const ends: number[] = [];
    for (const list of this.#sections) {
      for (const bound of clustered(list)) {
        if (bound.links.length > 0) linked.push({ conjunct: count, links: bound.links });
        this.#number(bound, count);
        if (bound.anchor) {
          for (const atom of bound.anchor.positive) atom.addAnchor(count);
        } else {
          this.#always.push(count);
        }
        rules[count++] = bound.rule;
      }
      count = Math.ceil(count / 64) * 64;
      ends.push(count / 64);
    }
    const [deny = 0, allow = 0, ...providers] = ends;
    writer.setU32(AUTHZ_DENY_WORDS, deny);
    writer.setU32(AUTHZ_ALLOW_WORDS, allow);
    writer.setU32(AUTHZ_ACTIVE_WORDS, count / 64);
    writeProviders(writer, custom, providers);
    const words = this.#writeLinks(writer, linked, count);
    writer.setU32(AUTHZ_WORDS, words);
    this.#writeRules(writer, rules, count, policies);
    const all = flags | oneHeader(this.#writeAttributes(writer, words));
    writer.setU32(AUTHZ_FLAGS, all);
    return writer.finish(FEATURE_AUTHZ, AUTHZ_FORMAT, all);
  }

  /** Binds demands to attributes. A second positive demand about one attribute is another attribute with its values. */
  #bind(conjunct: Conjunct, rule: number, links: readonly Factor[], anchor: Demand | undefined): Bound {
    const uses: Use[] = [];
    let anchorUse: Use | undefined;
    for (const demand of conjunct) {
      const { kind, name } = demand.attribute;
      let attribute = demand.attribute;
      let use = useOf(uses, attribute);
      for (let instance = 1; demand.any.length > 0 && use && use.positive.length > 0; instance++) {
        attribute = this.#attributes.get(kind, name, instance);
        use = useOf(uses, attribute);
      }
      if (use === undefined) {
        use = { attribute, positive: NO_ATOMS, negative: NO_ATOMS };
        uses.push(use);
      }
      if (demand.any.length > 0) use.positive = atomsFor(attribute, demand, demand.any);
      if (demand.none.length > 0) use.negative = union(use.negative, atomsFor(attribute, demand, demand.none));
      if (demand !== anchor) continue;
      anchorUse = use;
      attribute.anchored = true;
    }
    return { rule, links, uses, anchor: anchorUse };
  }

  /** Gives a conjunct its number, and enters it at its values and its word. */
  #number({ uses }: Bound, conjunct: number): void {
    const word = Math.floor(conjunct / 64);
    const entries = (this.#entries[word] ??= []);
    for (const { attribute, positive, negative } of uses) {
      const newest = this.#newest[attribute.number];
      let entry = newest?.entry;
      if (entry === undefined || newest?.word !== word) {
        entry = { attribute, positive: { low: 0, high: 0 }, negative: { low: 0, high: 0 } };
        this.#newest[attribute.number] = { word, entry };
        entries.push(entry);
      }
      if (positive.length > 0) setBit(entry.positive, conjunct);
      if (negative.length > 0) setBit(entry.negative, conjunct);
      for (const atom of positive) atom.addPositive(conjunct);
      for (const atom of negative) atom.addNegative(conjunct);
    }
  }

  /** Writes link records and numbers the conjuncts they lead to, from `first` on; gives the number of words. */
  #writeLinks(
    writer: ProgramWriter,
    linked: readonly { readonly conjunct: number; readonly links: readonly Factor[] }[],
    first: number,
  ): number {
    if (linked.length === 0) return first / 64;
    let next = first;
    const ranges = new Map<Factor, number>();
    const records = new Map<readonly Factor[], number>();
    const begin = writer.size;
    for (const { links } of linked) {
      if (records.has(links)) continue;
      records.set(links, writer.size);
      writer.u32(links.length);
      for (const factor of links) {
        const from = ranges.get(factor) ?? next;
        ranges.set(factor, from);
        if (from === next) {
          for (const conjunct of factor) this.#number(this.#bind(conjunct, 0, [], undefined), next++);
        }
        writer.u32(from);
        writer.u32(from + factor.length);
      }
    }
    writer.setU32(AUTHZ_LINK_RECORDS, begin);
    writer.setU32(AUTHZ_LINK_RECORDS_SIZE, writer.size - begin);
    const at = writer.reserve(4 * first);
    writer.setU32(AUTHZ_LINKS, at);
    for (const { conjunct, links } of linked) writer.setU32(at + 4 * conjunct, records.get(links) ?? 0);
    return Math.ceil(next / 64);
  }

  #writeRules(
    writer: ProgramWriter,
    rules: readonly (number | undefined)[],
    count: number,
    policies: readonly AuthzPolicy[],
  ): void {
    writer.setU32(AUTHZ_RULES, writer.size);
    for (let conjunct = 0; conjunct < count; conjunct++) writer.u32(rules[conjunct] ?? 0);
    writer.setU32(AUTHZ_RULE_TABLE, writer.size);
    writer.setU32(AUTHZ_RULE_COUNT, this.#rules.length);
    for (const { policy, index } of this.#rules) {
      writer.u32(policy);
      writer.u32(index);
    }
    writer.setU32(AUTHZ_POLICIES, writer.size);
    writer.setU32(AUTHZ_POLICY_COUNT, policies.length);
    let slot = writer.reserve(8 * policies.length);
    for (const { namespace, name } of policies) {
      const at = writer.text(`ns[${namespace}]-policy[${name}]-rule[`);
      writer.setU32(slot, at);
      writer.setU32(slot + 4, writer.size - at);
      slot += 8;
    }
  }

  /** Gives the attributes that are in the program, in their order there. */
  #writeAttributes(writer: ProgramWriter, words: number): readonly Attribute[] {
    const attributes = this.#attributes.all
      .filter((attribute) => attribute.used().length > 0)
      .sort((a, b) => place(a) - place(b) || a.number - b.number);
    const numbers: number[] = [];
    const records = writer.reserve(ATTRIBUTE_SIZE * attributes.length);
    writer.setU32(AUTHZ_ATTRIBUTES, records);
    writer.setU32(AUTHZ_ATTRIBUTE_COUNT, attributes.length);
    let anchored = 0;
    let count = 0;
    for (const [number, attribute] of attributes.entries()) {
      const atoms = attribute.used();
      writeAttribute(writer, records + ATTRIBUTE_SIZE * number, attribute, atoms, count);
      count += atoms.length;
      numbers[attribute.number] = number;
      if (attribute.anchored) anchored++;
    }
    writer.setU32(AUTHZ_ANCHORED, anchored);
    this.#writeNames(writer, attributes, records);
    writeSteps(writer, attributes, records);
    this.#writeEntries(writer, words, numbers);
    writer.setU32(AUTHZ_ATOMS, writer.size);
    writer.setU32(AUTHZ_ATOM_COUNT, count);
    let slot = writer.reserve(ATOM_SIZE * count);
    const begin = writer.size;
    for (const attribute of attributes) {
      for (const { anchor, positive, negative } of attribute.used()) {
        const all = writePosting(writer, positive);
        writer.setU32(slot, anchor.length === positive.length ? all : writePosting(writer, anchor));
        writer.setU32(slot + 4, all);
        writer.setU32(slot + 8, writePosting(writer, negative));
        slot += ATOM_SIZE;
      }
    }
    writer.setU32(AUTHZ_ALWAYS, writePosting(writer, this.#always));
    writer.setU32(AUTHZ_POSTINGS, begin);
    writer.setU32(AUTHZ_POSTINGS_SIZE, writer.size - begin);
    return attributes;
  }

  #writeNames(writer: ProgramWriter, attributes: readonly Attribute[], records: number): void {
    if (!attributes.some(({ kind }) => kind === ATTRIBUTE_HEADER)) return;
    const names = new TrieKeys();
    for (const [number, { kind, name }] of [...attributes.entries()].reverse()) {
      if (kind !== ATTRIBUTE_HEADER) continue;
      const key = names.at(name);
      writer.setU32(records + ATTRIBUTE_SIZE * number + ATTRIBUTE_NEXT, key.exact);
      key.exact = number + 1;
    }
    const begin = writer.size;
    writer.setU32(AUTHZ_NAMES, writeTrie(writer, names.sorted()));
    writer.setU32(AUTHZ_NAMES_SIZE, writer.size - begin);
  }

  /** `numbers`: in the program, by the number of the attribute. */
  #writeEntries(writer: ProgramWriter, words: number, numbers: readonly number[]): void {
    let index = writer.reserve(4 * (words + 1));
    writer.setU32(AUTHZ_WORD_INDEX, index);
    writer.setU32(AUTHZ_ENTRIES, writer.size);
    let count = 0;
    for (let word = 0; word < words; word++, index += 4) {
      writer.setU32(index, count);
      for (const { attribute, positive, negative } of this.#entries[word] ?? []) {
        writer.u32(numbers[attribute.number] ?? 0);
        writer.u64(positive.low, positive.high);
        writer.u64(negative.low, negative.high);
        count++;
      }
    }
    writer.setU32(index, count);
    writer.setU32(AUTHZ_ENTRY_COUNT, count);
  }
}

/** A filter that asks for one header alone need not ask for all of them. */
function oneHeader(attributes: readonly Attribute[]): number {
  let pseudo = 0;
  for (const { kind } of attributes) {
    if (kind === ATTRIBUTE_HEADER) return 0;
    if (kind === ATTRIBUTE_HOST) pseudo |= 1;
    else if (kind === ATTRIBUTE_METHOD) pseudo |= 2;
    else if (kind === ATTRIBUTE_PATH) pseudo |= 4;
  }
  return pseudo === 1 || pseudo === 2 || pseudo === 4 ? AUTHZ_ONE_HEADER : 0;
}

const NO_ATOMS: readonly Atom[] = [];

function useOf(uses: readonly Use[], attribute: Attribute): Use | undefined {
  for (const use of uses) if (use.attribute === attribute) return use;
  return undefined;
}

/** The values of a demand as those of the attribute that it is bound to, which may be another instance of its own. */
const atomsFor = (attribute: Attribute, demand: Demand, values: readonly Atom[]): readonly Atom[] =>
  attribute === demand.attribute ? values : values.map(({ match }) => attribute.atom(match));

function writeProviders(writer: ProgramWriter, { states, generation }: CustomSections, ends: readonly number[]): void {
  writer.setU32(AUTHZ_GENERATION, generation);
  const table = writer.reserve(PROVIDER_SIZE * states.length);
  writer.setU32(AUTHZ_PROVIDERS, table);
  writer.setU32(AUTHZ_PROVIDER_COUNT, states.length);
  for (const [index, state] of states.entries()) {
    const at = writer.text(state);
    const record = table + PROVIDER_SIZE * index;
    writer.setU32(record + PROVIDER_STATE, at);
    writer.setU32(record + PROVIDER_STATE_SIZE, writer.size - at);
    writer.setU32(record + PROVIDER_END, ends[index] ?? 0);
  }
}

/**
 * Attributes that lead to conjuncts come first, and of those the ones last that there may be any number of, in metadata
 * and headers: only those that a request has are looked at.
 */
function place(attribute: Attribute): number {
  if (!attribute.anchored) return 3;
  return attribute.kind === ATTRIBUTE_HEADER ? 2 : isMetadata(attribute) ? 1 : 0;
}

const union = <T>(a: readonly T[], b: readonly T[]): readonly T[] => (a.length === 0 ? b : [...new Set([...a, ...b])]);

/**
 * Conjuncts in an order that puts those into the same words that ask about the same attributes and, of those, that are
 * found by the same value: a value then leads to few words, and a word asks about few attributes.
 */
function clustered(list: readonly Bound[]): readonly Bound[] {
  if (list.length < 2) return list;
  const signatures = new Map<string, number>();
  const values = new Map<Atom, number>();
  const keys = list.map((bound, index) => {
    const text = bound.uses.map(({ attribute }) => attribute.number).join();
    const atom = bound.anchor?.positive[0];
    return { bound, index, signature: numberOf(signatures, text), value: atom ? numberOf(values, atom) : 0 };
  });
  keys.sort((a, b) => a.signature - b.signature || a.value - b.value || a.index - b.index);
  return keys.map(({ bound }) => bound);
}

function numberOf<T>(numbers: Map<T, number>, key: T): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, numbers.size);
  return numbers.size - 1;
}
