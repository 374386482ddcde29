import type { AuthzPolicy, AuthzPolicySet, AuthzRule } from '#model/authz.ts';
import type { AnalysisTarget } from './attribute.ts';
import { both, lowest } from './bit-set.ts';
import { ruleParts, type Alternative, type Demand } from './demand.ts';
import { coverings, type Covering } from './covering.ts';
import type { Budget } from './search.ts';
import { Space } from './space.ts';

/** What is wrong with a rule for one target; `at` is the place in the rule: `from[0].source.principals[1]`. */
export type Flaw =
  /** No request there has the value. */
  | { readonly kind: 'value'; readonly at: string; readonly attribute: string; readonly value: string }
  /** One of several alternatives holds for no request. */
  | { readonly kind: 'alternative'; readonly at: string; readonly why: Reason }
  /** The rule holds for no request. */
  | { readonly kind: 'rule'; readonly at: string; readonly why: Reason }
  /** Other rules decide every request of it alike already. */
  | { readonly kind: 'covered'; readonly at: string; readonly by: Covering };

/** Why nothing can hold: places whose demands on an attribute exclude each other, or one whose values never occur. */
export interface Reason {
  readonly attribute: string;
  readonly places: readonly string[];
}

export interface RuleFlaws {
  readonly policy: AuthzPolicy;
  readonly rule: number;
  readonly flaws: readonly Flaw[];
}

/** The flaws of all rules of a set, as far as they are certain. Undefined: the set cannot be told apart well enough. */
export function flawsOf(set: AuthzPolicySet, target: AnalysisTarget, budget: Budget): readonly RuleFlaws[] | undefined {
  if (set.closed !== undefined) return undefined;
  const space = new Space([set], target);
  if (space.incomplete.length > 0) return undefined;
  const covered = coverings(space, set, budget);
  return set.policies.flatMap((policy) =>
    policy.rules.map((rule, index) => {
      const own = ruleFlaws(space, rule, { action: policy.action, protocol: target.protocol });
      const by = covered.get(rule);
      const isDead = own.some(({ kind }) => kind === 'rule');
      const flaws = by === undefined || isDead ? own : [...own, { kind: 'covered', at: '', by } as const];
      return { policy, rule: index, flaws };
    }),
  );
}

function ruleFlaws(space: Space, rule: AuthzRule, reading: Parameters<typeof ruleParts>[1]): readonly Flaw[] {
  const flaws: Flaw[] = [];
  const parts = ruleParts(rule, reading);
  for (const part of parts) {
    const reasons = part.map((alternative) => reasonOf(space, alternative));
    const [first] = reasons;
    if (first !== undefined && reasons.every((reason) => reason !== undefined)) {
      return [{ kind: 'rule', at: first.places[0] ?? '', why: first }];
    }
    for (const [index, alternative] of part.entries()) {
      const why = reasons[index];
      if (why !== undefined) flaws.push({ kind: 'alternative', at: why.places[0] ?? '', why });
      else if (typeof alternative !== 'string') flaws.push(...valueFlaws(space, alternative));
    }
  }
  const across = reasonAcross(space, parts);
  return across === undefined ? flaws : [{ kind: 'rule', at: across.places[0] ?? '', why: across }];
}

const valueFlaws = (space: Space, alternative: readonly Demand[]): readonly Flaw[] =>
  alternative.flatMap(({ attribute, any, none, field, noneField }) =>
    [
      ...(any ?? []).map((value, index) => ({ value, at: `${field}[${index}]` })),
      ...none.map((value, index) => ({ value, at: `${noneField}[${index}]` })),
    ].flatMap(({ value, at }) =>
      space.occurs(attribute, value) ? [] : [{ kind: 'value', at, attribute, value: value.written } as const],
    ),
  );

/** Why an alternative holds for no request; undefined when it does, or when that is not known. */
function reasonOf(space: Space, alternative: Alternative): Reason | undefined {
  if (alternative === 'never') return { attribute: '', places: [] };
  if (alternative === 'unknown' || space.region(alternative) !== undefined) return undefined;
  return excluding(space, alternative);
}

/** The demands on an attribute that leave nothing: one, two, or all there are. */
function excluding(space: Space, demands: readonly Demand[]): Reason | undefined {
  for (const demand of demands) {
    if (lowest(space.admitted(demand)) >= 0) continue;
    const { any, none, attribute, field, noneField } = demand;
    const occurs = any === undefined || any.some((value) => space.occurs(attribute, value));
    const places = any === undefined ? [noneField] : occurs && none.length > 0 ? [field, noneField] : [field];
    return { attribute, places };
  }
  for (const [index, demand] of demands.entries()) {
    for (const other of demands.slice(index + 1)) {
      if (demand.attribute !== other.attribute) continue;
      if (lowest(both(space.admitted(demand), space.admitted(other))) >= 0) continue;
      return { attribute: demand.attribute, places: [placeOf(demand), placeOf(other)] };
    }
  }
  const attributes = new Set(demands.map(({ attribute }) => attribute));
  for (const attribute of attributes) {
    const those = demands.filter((demand) => demand.attribute === attribute);
    const rest = those.map((demand) => space.admitted(demand)).reduce((left, set) => both(left, set));
    if (lowest(rest) < 0) return { attribute, places: those.map(placeOf) };
  }
  return undefined;
}

const placeOf = ({ any, field, noneField }: Demand): string => (any === undefined ? noneField : field);

/** Combinations of alternatives that are looked at. */
const MOST_COMBINATIONS = 1_000;

/** Why no combination of alternatives holds, though each does by itself. */
function reasonAcross(space: Space, parts: readonly (readonly Alternative[])[]): Reason | undefined {
  const count = parts.reduce((product, part) => product * part.length, 1);
  if (parts.length < 2 || count > MOST_COMBINATIONS || parts.flat().includes('unknown')) return undefined;
  let combinations: readonly (readonly Demand[])[] = [[]];
  for (const part of parts) {
    combinations = combinations.flatMap((before) =>
      part.flatMap((alternative) => (typeof alternative === 'string' ? [] : [[...before, ...alternative]])),
    );
  }
  let reason: Reason | undefined;
  for (const demands of combinations) {
    if (space.region(demands) !== undefined) return undefined;
    reason ??= excluding(space, demands);
  }
  return reason;
}
