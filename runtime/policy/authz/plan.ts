import { ATTRIBUTE_HEADER, ATTRIBUTE_HOST, ATTRIBUTE_METHOD, ATTRIBUTE_PATH, ATTRIBUTE_PRINCIPAL } from '#abi/authz.ts';
import type { Match } from './atom.ts';
import type { Conjunct, Demand, Factor } from './conjunct.ts';

/** A rule as the index holds it: alternatives to look for, and lists of which one alternative each must hold too. */
export interface PlannedRule {
  readonly rule: number;
  readonly alternatives: Factor;
  readonly links: readonly Factor[];
}

const NONE: readonly Factor[] = [];

/** Up to so many conjuncts a rule is multiplied out: one look at a word then decides it. */
const PRODUCT_MAX = 16;
/** Values that may be repeated for each alternative before they become a list of their own. */
const REPEATED_MAX = 8;

/** Counts how many clauses ask for each value. */
export function countValues(factors: readonly Factor[]): void {
  for (const factor of factors) {
    for (const conjunct of factor) {
      for (const { any } of conjunct) {
        for (const atom of any) atom.popularity++;
      }
    }
  }
}

/** What looking for a conjunct by this demand costs: how many others come along with its most common value. */
function cost({ any }: Demand): number {
  let most = 0;
  for (const { popularity, match } of any) most = Math.max(most, popularity * WIDTH[match.kind]);
  return most;
}

/** How many different values of a request match a value of this kind, roughly. */
const WIDTH: Readonly<Record<Match['kind'], number>> = {
  exact: 1,
  prefix: 3,
  suffix: 3,
  block: 3,
  template: 6,
  glob: 20,
  present: 100,
};

/** What a request has at hand anyway comes first. */
const ORDER = [ATTRIBUTE_PATH, ATTRIBUTE_HOST, ATTRIBUTE_HEADER, ATTRIBUTE_METHOD, ATTRIBUTE_PRINCIPAL];

/** The demand to find a conjunct by, or undefined when it demands nothing that a value could lead to. */
export function anchorOf(conjunct: Conjunct): Demand | undefined {
  let best: Demand | undefined;
  let lowest = Infinity;
  for (const demand of conjunct) {
    if (demand.any.length === 0) continue;
    const its = cost(demand) * 16 + rank(demand.attribute.kind);
    if (its >= lowest) continue;
    best = demand;
    lowest = its;
  }
  return best;
}

const rank = (kind: number): number => {
  const at = ORDER.indexOf(kind);
  return at === -1 ? ORDER.length : at;
};

/** Lays out a rule: multiplied out when that is small, else as the list that is rarest, linked to the others. */
export function planRule(rule: number, factors: readonly Factor[]): PlannedRule {
  const base: Demand[] = [];
  const lists: Factor[] = [];
  for (const factor of factors) {
    if (factor.length > 1) lists.push(factor);
    else for (const demand of factor[0] ?? []) base.push(demand);
  }
  if (lists.length === 0) return { rule, alternatives: [base], links: NONE };
  const product = lists.reduce((size, factor) => size * factor.length, 1);
  if (product <= PRODUCT_MAX) {
    let alternatives: Factor = [base];
    for (const factor of lists) {
      alternatives = alternatives.flatMap((left) => factor.map((right) => [...left, ...right]));
    }
    return { rule, alternatives, links: NONE };
  }
  const costs = new Map(lists.map((factor) => [factor, listCost(factor)]));
  const [rarest = [], ...others] = [...lists].sort((a, b) => (costs.get(a) ?? 0) - (costs.get(b) ?? 0));
  const values = base.reduce((sum, { any, none }) => sum + any.length + none.length, 0);
  if (values > REPEATED_MAX) return { rule, alternatives: rarest, links: [...others, [base]] };
  return { rule, alternatives: rarest.map((alternative) => [...alternative, ...base]), links: others };
}

/** How many conjuncts come along for the worst alternative of a list. */
function listCost(factor: Factor): number {
  let worst = 0;
  for (const conjunct of factor) {
    const anchor = anchorOf(conjunct);
    worst = Math.max(worst, anchor ? cost(anchor) : Infinity);
  }
  return worst;
}
