import {
  ATOM_SIZE,
  ATTRIBUTE_HEADER,
  ATTRIBUTE_HOST,
  ATTRIBUTE_METHOD,
  ATTRIBUTE_NEXT,
  ATTRIBUTE_PATH,
  ATTRIBUTE_SIZE,
  AUTHZ_ACTIVE_WORDS,
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
  AUTHZ_RULES,
  AUTHZ_RULE_COUNT,
  AUTHZ_RULE_TABLE,
  AUTHZ_WORDS,
  AUTHZ_WORD_INDEX,
} from '#abi/authz.ts';
import { FEATURE_AUTHZ } from '#abi/program.ts';
import type { AuthzPolicy } from '#model/authz.ts';
import { ProgramWriter } from '../writer.ts';
import { Attribute, writeAttribute, type IndexedAtom } from './attribute.ts';
import { TrieKeys, writeTrie } from './byte-trie.ts';
import type { Action, Conjunct, Factor } from './conjunct.ts';
import { anchorOf, type PlannedRule, type Popularity } from './plan.ts';
import { setBit, writePosting, type Mask } from './posting.ts';

/** A conjunct whose demands are bound to attributes of the index. */
interface Bound {
  readonly rule: number;
  readonly links: readonly Factor[];
  readonly uses: readonly Use[];
  /** Conjuncts with the same signature ask about the same attributes, and are put into the same words. */
  readonly signature: string;
}

interface Use {
  readonly attribute: Attribute;
  readonly anchor: boolean;
  readonly positive: readonly IndexedAtom[];
  readonly negative: readonly IndexedAtom[];
}

interface Entry {
  readonly positive: Mask;
  readonly negative: Mask;
}

/** Gathers the conjuncts of all rules and writes them as a program. */
export class RuleIndex {
  readonly #popularity: Popularity;
  readonly #attributes = new Map<string, Attribute>();
  readonly #rules: { readonly policy: number; readonly index: number }[] = [];
  readonly #deny: Bound[] = [];
  readonly #allow: Bound[] = [];
  readonly #entries: Map<Attribute, Entry>[] = [];
  readonly #always: number[] = [];

  constructor(popularity: Popularity) {
    this.#popularity = popularity;
  }

  /** Enters a rule and gives its number; rules are entered in the order of evaluation. */
  rule(policy: number, index: number): number {
    return this.#rules.push({ policy, index }) - 1;
  }

  add(action: Action, { rule, alternatives, links }: PlannedRule): void {
    const bound = action === 'DENY' ? this.#deny : this.#allow;
    for (const conjunct of alternatives) bound.push(this.#bind(conjunct, rule, links, true));
  }

  write(policies: readonly AuthzPolicy[], flags: number): Uint8Array<ArrayBuffer> {
    const writer = new ProgramWriter(1024 + 400 * this.#rules.length);
    writer.reserve(AUTHZ_BODY - writer.size);
    const rules: number[] = [];
    const linked: { readonly conjunct: number; readonly links: readonly Factor[] }[] = [];
    for (const list of [this.#deny, this.#allow]) {
      for (const bound of bySignature(list)) {
        if (bound.links.length > 0) linked.push({ conjunct: rules.length, links: bound.links });
        this.#number(bound, rules.length, true);
        rules.push(bound.rule);
      }
      while (rules.length % 64 !== 0) rules.push(0);
      writer.setU32(list === this.#deny ? AUTHZ_DENY_WORDS : AUTHZ_ACTIVE_WORDS, rules.length / 64);
    }
    const words = this.#writeLinks(writer, linked, rules.length);
    writer.setU32(AUTHZ_WORDS, words);
    this.#writeRules(writer, rules, policies);
    this.#writeAttributes(writer, words);
    const all = flags | this.#oneHeader();
    writer.setU32(AUTHZ_FLAGS, all);
    return writer.finish(FEATURE_AUTHZ, AUTHZ_FORMAT, all);
  }

  /** Binds demands to attributes. A second positive demand about one attribute is another attribute with its values. */
  #bind(conjunct: Conjunct, rule: number, links: readonly Factor[], anchored: boolean): Bound {
    const anchor = anchored ? anchorOf(conjunct, this.#popularity) : undefined;
    const uses = new Map<string, Use>();
    for (const demand of conjunct) {
      let instance = 0;
      let id = `${demand.attribute} ${demand.name} 0`;
      while (demand.any.length > 0 && (uses.get(id)?.positive.length ?? 0) > 0) {
        id = `${demand.attribute} ${demand.name} ${++instance}`;
      }
      const attribute = this.#attributes.get(id) ?? new Attribute(demand.attribute, demand.name);
      this.#attributes.set(id, attribute);
      const before = uses.get(id);
      uses.set(id, {
        attribute,
        anchor: before?.anchor === true || demand === anchor,
        positive: [...(before?.positive ?? []), ...distinct(demand.any.map((atom) => attribute.atom(atom)))],
        negative: [...(before?.negative ?? []), ...distinct(demand.none.map((atom) => attribute.atom(atom)))],
      });
      if (demand === anchor) attribute.anchored = true;
    }
    return { rule, links, uses: [...uses.values()], signature: [...uses.keys()].sort().join('\n') };
  }

  /** Gives a conjunct its number, and enters it at its values and its word. */
  #number({ uses }: Bound, conjunct: number, active: boolean): void {
    const word = Math.floor(conjunct / 64);
    const entries = (this.#entries[word] ??= new Map<Attribute, Entry>());
    let found = false;
    for (const { attribute, anchor, positive, negative } of uses) {
      const entry = entries.get(attribute) ?? { positive: { low: 0, high: 0 }, negative: { low: 0, high: 0 } };
      entries.set(attribute, entry);
      if (positive.length > 0) setBit(entry.positive, conjunct);
      if (negative.length > 0) setBit(entry.negative, conjunct);
      for (const atom of positive) atom.positive.push(conjunct);
      for (const atom of distinct(negative)) atom.negative.push(conjunct);
      if (!anchor) continue;
      found = true;
      for (const atom of positive) atom.anchor.push(conjunct);
    }
    if (active && !found) this.#always.push(conjunct);
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
          for (const conjunct of factor) this.#number(this.#bind(conjunct, 0, [], false), next++, false);
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

  #writeRules(writer: ProgramWriter, rules: readonly number[], policies: readonly AuthzPolicy[]): void {
    writer.setU32(AUTHZ_RULES, writer.size);
    for (const rule of rules) writer.u32(rule);
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

  #writeAttributes(writer: ProgramWriter, words: number): void {
    const all = [...this.#attributes.values()];
    const attributes = [...all.filter(({ anchored }) => anchored), ...all.filter(({ anchored }) => !anchored)];
    const numbers = new Map(attributes.map((attribute, number) => [attribute, number]));
    const records = writer.reserve(ATTRIBUTE_SIZE * attributes.length);
    writer.setU32(AUTHZ_ATTRIBUTES, records);
    writer.setU32(AUTHZ_ATTRIBUTE_COUNT, attributes.length);
    writer.setU32(AUTHZ_ANCHORED, all.filter(({ anchored }) => anchored).length);
    let atoms = 0;
    for (const [number, attribute] of attributes.entries()) {
      writeAttribute(writer, records + ATTRIBUTE_SIZE * number, attribute, atoms);
      atoms += attribute.atoms.size;
    }
    this.#writeNames(writer, attributes, records);
    this.#writeEntries(writer, words, numbers);
    writer.setU32(AUTHZ_ATOMS, writer.size);
    writer.setU32(AUTHZ_ATOM_COUNT, atoms);
    let slot = writer.reserve(ATOM_SIZE * atoms);
    const begin = writer.size;
    for (const attribute of attributes) {
      for (const { anchor, positive, negative } of attribute.atoms.values()) {
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
  }

  #writeNames(writer: ProgramWriter, attributes: readonly Attribute[], records: number): void {
    const names = new TrieKeys();
    for (const [number, { kind, name }] of [...attributes.entries()].reverse()) {
      if (kind !== ATTRIBUTE_HEADER) continue;
      const key = names.at(name);
      writer.setU32(records + ATTRIBUTE_SIZE * number + ATTRIBUTE_NEXT, key.exact);
      key.exact = number + 1;
    }
    if (names.size === 0) return;
    const begin = writer.size;
    writer.setU32(AUTHZ_NAMES, writeTrie(writer, names.sorted()));
    writer.setU32(AUTHZ_NAMES_SIZE, writer.size - begin);
  }

  #writeEntries(writer: ProgramWriter, words: number, numbers: ReadonlyMap<Attribute, number>): void {
    let index = writer.reserve(4 * (words + 1));
    writer.setU32(AUTHZ_WORD_INDEX, index);
    writer.setU32(AUTHZ_ENTRIES, writer.size);
    let count = 0;
    for (let word = 0; word < words; word++, index += 4) {
      writer.setU32(index, count);
      for (const [attribute, { positive, negative }] of this.#entries[word] ?? []) {
        writer.u32(numbers.get(attribute) ?? 0);
        writer.u64(positive.low, positive.high);
        writer.u64(negative.low, negative.high);
        count++;
      }
    }
    writer.setU32(index, count);
    writer.setU32(AUTHZ_ENTRY_COUNT, count);
  }

  #oneHeader(): number {
    const kinds = new Set([...this.#attributes.values()].map(({ kind }) => kind));
    const pseudo = [ATTRIBUTE_HOST, ATTRIBUTE_METHOD, ATTRIBUTE_PATH].filter((kind) => kinds.has(kind));
    return pseudo.length === 1 && !kinds.has(ATTRIBUTE_HEADER) ? AUTHZ_ONE_HEADER : 0;
  }
}

const distinct = <T>(values: readonly T[]): readonly T[] => (values.length < 2 ? values : [...new Set(values)]);

/** Conjuncts that ask about the same attributes together; otherwise in the order of their rules. */
function bySignature(list: readonly Bound[]): readonly Bound[] {
  return [...list].sort((a, b) => (a.signature < b.signature ? -1 : a.signature > b.signature ? 1 : 0));
}
