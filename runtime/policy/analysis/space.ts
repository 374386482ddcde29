import type { AuthzPolicy, AuthzPolicySet, AuthzRequest, AuthzRule } from '#model/authz.ts';
import { add, both, either, emptySet, fullSet, lowest, same, without, type BitSet } from './bit-set.ts';
import { ALWAYS, cellsOf, hasLines, requestOf, type AnalysisTarget, type Lines } from './attribute.ts';
import type { Cells } from './cell.ts';
import { ruleParts, type Alternative, type Demand } from './demand.ts';
import type { Value } from './value.ts';

/** The requests for which a conjunct of a rule holds: of every attribute (by its number) some cells, or any. */
export interface Box {
  readonly rule: RuleRef;
  readonly sets: Region;
}

/** Undefined: any cell of the attribute. */
export type Region = readonly (BitSet | undefined)[];

/** A cell of every attribute. */
export type Point = readonly number[];

export interface RuleRef {
  readonly namespace: string;
  readonly name: string;
  readonly rule: number;
}

/** The conjuncts of a rule. */
export interface RuleBoxes {
  readonly rule: RuleRef;
  readonly boxes: readonly Box[];
  /** The boxes are the whole of the rule. */
  readonly whole: boolean;
}

/** Conjuncts that a rule is multiplied out to at most. */
const MOST_BOXES = 2_000;

interface Attribute {
  readonly name: string;
  readonly values: Map<string, { readonly number: number; readonly value: Value }>;
  /** Distinct lists of values that must not be there. */
  readonly refused: Set<string>;
  /** The most demands for a value that one rule makes, by action. */
  readonly wanted: Map<AuthzPolicy['action'], number>;
  cells: Cells<Lines>;
  /** By number of a value: the cells that match it. */
  matching: readonly (readonly number[])[];
}

/**
 * All requests that can come to a target, as the rules of some sets tell them apart: each attribute falls into finitely
 * many cells, and a rule is a union of boxes of cells.
 */
export class Space {
  readonly #target: AnalysisTarget;
  readonly #attributes: Attribute[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #sets = new Map<string, BitSet>();

  constructor(sets: readonly AuthzPolicySet[], target: AnalysisTarget) {
    this.#target = target;
    for (const name of ALWAYS) this.#attribute(name);
    for (const { policies } of sets) {
      for (const { action, rules } of policies) {
        for (const rule of rules) this.#learn(rule, action);
      }
    }
    for (const attribute of this.#attributes) {
      const values = [...attribute.values.values()].map(({ value }) => value);
      const lines = [...attribute.wanted.values()].reduce((sum, count) => sum + count, attribute.refused.size);
      attribute.cells = cellsOf(attribute.name, { values, lines: Math.max(lines, 1) }, target);
      const matching: number[][] = values.map(() => []);
      for (const [cell, { matches }] of attribute.cells.cells.entries()) {
        for (const value of matches) matching[value]!.push(cell);
      }
      attribute.matching = matching;
    }
  }

  /** Attributes of which not every cell was found. */
  get incomplete(): readonly string[] {
    return this.#attributes.filter(({ cells }) => !cells.complete).map(({ name }) => name);
  }

  get attributes(): number {
    return this.#attributes.length;
  }

  /** Cells of the attribute with this number. */
  size(attribute: number): number {
    return this.#attributes[attribute]!.cells.cells.length;
  }

  all(attribute: number): BitSet {
    const key = `${attribute} all`;
    let set = this.#sets.get(key);
    if (set === undefined) this.#sets.set(key, (set = fullSet(this.size(attribute))));
    return set;
  }

  /** The request that stands for a point. */
  request(point: Point): AuthzRequest {
    return requestOf(
      new Map(
        this.#attributes.flatMap(({ name, cells }, number) => {
          const cell = cells.cells[point[number]!];
          return cell === undefined ? [] : [[name, cell.value] as const];
        }),
      ),
    );
  }

  /** The plainest point of a region; undefined when there is none. */
  plainest(region: Region): Point | undefined {
    const point: number[] = [];
    for (let attribute = 0; attribute < this.#attributes.length; attribute++) {
      const set = region[attribute];
      const cell = set === undefined ? (this.size(attribute) > 0 ? 0 : -1) : lowest(set);
      if (cell < 0) return undefined;
      point.push(cell);
    }
    return point;
  }

  /** The cells of an attribute that a demand admits. */
  admitted({ attribute, any, none }: Demand): BitSet {
    const number = this.#number(attribute);
    const { values } = this.#attributes[number]!;
    const numbers = (list: readonly Value[]): number[] =>
      list.map(({ key }) => values.get(key)!.number).sort((a, b) => a - b);
    const wanted = any && numbers(any);
    const refused = numbers(none);
    const key = `${number} ${wanted?.join() ?? 'any'} not ${refused.join()}`;
    let set = this.#sets.get(key);
    if (set !== undefined) return set;
    set = wanted === undefined ? this.all(number) : this.#union(number, wanted);
    if (refused.length > 0) set = without(set, this.#union(number, refused));
    this.#sets.set(key, set);
    return set;
  }

  /** Some request has a value that this one matches. */
  occurs(attribute: string, { key }: Value): boolean {
    const { values, matching } = this.#attributes[this.#number(attribute)]!;
    return matching[values.get(key)!.number]!.length > 0;
  }

  #union(attribute: number, values: readonly number[]): BitSet {
    const { matching } = this.#attributes[attribute]!;
    const set = emptySet(this.size(attribute));
    for (const value of values) for (const cell of matching[value]!) add(set, cell);
    return set;
  }

  /** The boxes of every rule of an action. */
  rules({ policies }: AuthzPolicySet, action: AuthzPolicy['action']): readonly RuleBoxes[] {
    return policies
      .filter((policy) => policy.action === action)
      .flatMap((policy) => policy.rules.map((rule, index) => this.#boxesOf(policy, rule, index)));
  }

  /** Which requests are on a route is not told apart: of a policy of routes nothing is known but that it is there. */
  #boxesOf({ namespace, name, action, routes }: AuthzPolicy, rule: AuthzRule, index: number): RuleBoxes {
    const ref = { namespace, name, rule: index };
    const tcp = this.#target.protocol === 'tcp';
    if (routes === undefined || (tcp && action !== 'ALLOW')) return this.#boxes(rule, ref, action);
    return { rule: ref, boxes: [], whole: tcp || routes.length === 0 };
  }

  #boxes(rule: AuthzRule, ref: RuleRef, action: AuthzPolicy['action']): RuleBoxes {
    const nothing = (whole: boolean): RuleBoxes => ({ rule: ref, boxes: [], whole });
    let regions: readonly Region[] = [Array.from({ length: this.#attributes.length }, () => undefined)];
    let whole = true;
    for (const part of ruleParts(rule, { action, protocol: this.#target.protocol })) {
      const alternatives = merged(part.flatMap((alternative) => listed(this.region(alternative))));
      if (part.includes('unknown')) whole = false;
      if (regions.length * alternatives.length > MOST_BOXES) return nothing(false);
      regions = regions.flatMap((region) => alternatives.flatMap((each) => listed(meeting(region, each))));
    }
    return { rule: ref, boxes: regions.map((sets) => ({ rule: ref, sets })), whole };
  }

  /** Undefined: no request is in it, or it is not understood. */
  region(alternative: Alternative): Region | undefined {
    if (typeof alternative === 'string') return undefined;
    let region: Region | undefined = Array.from({ length: this.#attributes.length }, () => undefined);
    for (const demand of alternative) {
      const number = this.#number(demand.attribute);
      const sets: (BitSet | undefined)[] = [...region];
      const set = this.admitted(demand);
      sets[number] = sets[number] === undefined ? set : both(sets[number], set);
      if (lowest(sets[number]) < 0) return undefined;
      region = sets;
    }
    return region;
  }

  #number(name: string): number {
    return this.#numbers.get(name)!;
  }

  #attribute(name: string): Attribute {
    const known = this.#numbers.get(name);
    if (known !== undefined) return this.#attributes[known]!;
    const attribute: Attribute = {
      name,
      values: new Map(),
      refused: new Set(),
      wanted: new Map(),
      cells: { cells: [], complete: true },
      matching: [],
    };
    this.#numbers.set(name, this.#attributes.length);
    this.#attributes.push(attribute);
    return attribute;
  }

  #learn(rule: AuthzRule, action: AuthzPolicy['action']): void {
    const wanted = new Map<string, number>();
    for (const part of ruleParts(rule, { action, protocol: this.#target.protocol })) {
      for (const alternative of part) {
        if (typeof alternative === 'string') continue;
        for (const { attribute: name, any, none } of alternative) {
          const attribute = this.#attribute(name);
          for (const value of [...(any ?? []), ...none]) {
            if (!attribute.values.has(value.key))
              attribute.values.set(value.key, { number: attribute.values.size, value });
          }
          if (!hasLines(name)) continue;
          if (none.length > 0) attribute.refused.add(none.map(({ key }) => key).join('\n'));
          if (any !== undefined) wanted.set(name, (wanted.get(name) ?? 0) + 1);
        }
      }
    }
    for (const [name, count] of wanted) {
      const attribute = this.#attribute(name);
      attribute.wanted.set(action, Math.max(attribute.wanted.get(action) ?? 0, count));
    }
  }
}

const listed = (region: Region | undefined): readonly Region[] => (region === undefined ? [] : [region]);

/** The region of both; undefined when they have nothing in common. */
export function meeting(a: Region, b: Region): Region | undefined {
  const sets: (BitSet | undefined)[] = [];
  for (let at = 0; at < a.length; at++) {
    const [mine, its] = [a[at], b[at]];
    const set = mine === undefined || mine === its ? its : its === undefined ? mine : both(mine, its);
    if (set !== undefined && set !== mine && set !== its && lowest(set) < 0) return undefined;
    sets.push(set);
  }
  return sets;
}

/** Alternatives that differ in one attribute alone are one. */
function merged(alternatives: readonly Region[]): readonly Region[] {
  const [first, ...others] = alternatives;
  if (first === undefined || others.length === 0) return alternatives;
  let differing = -1;
  for (const other of others) {
    for (let at = 0; at < first.length; at++) {
      const [mine, its] = [first[at], other[at]];
      if (mine === its || (mine !== undefined && its !== undefined && same(mine, its))) continue;
      if (mine === undefined || its === undefined || (differing >= 0 && differing !== at)) return alternatives;
      differing = at;
    }
  }
  if (differing < 0) return [first];
  const union = alternatives.map((region) => region[differing]!).reduce((sum, set) => either(sum, set));
  return [first.map((set, at) => (at === differing ? union : set))];
}
