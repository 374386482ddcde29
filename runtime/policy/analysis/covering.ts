import type { AuthzPolicy, AuthzPolicySet, AuthzRule } from '#model/authz.ts';
import { isWithin } from './bit-set.ts';
import { Cover, findOutside, type Budget } from './search.ts';
import type { Box, RuleBoxes, RuleRef, Space } from './space.ts';

/** The rules that decide all requests of another one: of the same action, or DENY rules of an ALLOW rule. */
export interface Covering {
  readonly action: AuthzPolicy['action'];
  /** One that does it alone, or some of those that do it together. */
  readonly rules: readonly RuleRef[];
  readonly alone: boolean;
}

/**
 * The rules that could go without any decision being another: all of them at once. Of rules that are alike the first
 * one stays.
 */
export function coverings(space: Space, set: AuthzPolicySet, budget: Budget): ReadonlyMap<AuthzRule, Covering> {
  const found = new Map<AuthzRule, Covering>();
  const rulesOf = new Map<string, AuthzRule>();
  for (const { namespace, name, rules } of set.policies) {
    for (const [rule, each] of rules.entries()) rulesOf.set(keyOf({ namespace, name, rule }), each);
  }
  const denying = space.rules(set, 'DENY');
  for (const [rules, action] of [
    [denying, 'DENY'],
    [space.rules(set, 'ALLOW'), 'ALLOW'],
  ] as const) {
    const own = new Numbered(space, rules);
    const denied = action === 'ALLOW' ? new Numbered(space, denying) : undefined;
    for (const rule of rules.toReversed()) {
      if (rule.boxes.length === 0 || !rule.whole) continue;
      const by = denied?.covering(rule, 'DENY', budget) ?? own.without(rule, () => own.covering(rule, action, budget));
      if (by !== undefined) found.set(rulesOf.get(keyOf(rule.rule))!, by);
    }
  }
  return found;
}

const keyOf = ({ namespace, name, rule }: RuleRef): string => `${namespace}/${name} ${rule}`;

/** The boxes of some rules in one cover. */
class Numbered {
  readonly #space: Space;
  readonly #cover: Cover;
  readonly #numbers = new Map<RuleBoxes, readonly number[]>();
  readonly #rules: readonly RuleBoxes[];

  constructor(space: Space, rules: readonly RuleBoxes[]) {
    this.#space = space;
    this.#rules = rules;
    const boxes: Box[] = [];
    for (const rule of rules) {
      this.#numbers.set(
        rule,
        rule.boxes.map((_, index) => boxes.length + index),
      );
      boxes.push(...rule.boxes);
    }
    this.#cover = new Cover(space, boxes);
  }

  /** What `find` gives while the rule is away; it stays away if that is something. */
  without<T>(rule: RuleBoxes, find: () => T | undefined): T | undefined {
    const numbers = this.#numbers.get(rule)!;
    for (const number of numbers) this.#cover.set(number, false);
    const found = find();
    if (found === undefined) for (const number of numbers) this.#cover.set(number, true);
    return found;
  }

  covering({ boxes }: RuleBoxes, action: AuthzPolicy['action'], budget: Budget): Covering | undefined {
    for (const { sets } of boxes) if (findOutside(this.#space, sets, this.#cover, budget) !== 'none') return undefined;
    const point = this.#space.plainest(boxes[0]!.sets);
    if (point === undefined) return undefined;
    const around = new Set(this.#cover.around(point, 64).map((number) => this.#cover.boxes[number]!.rule));
    for (const rule of around) {
      const its = this.#rules.find((one) => one.rule === rule);
      if (its !== undefined && boxes.every((box) => its.boxes.some((other) => this.#isInside(box, other)))) {
        return { action, rules: [rule], alone: true };
      }
    }
    return { action, rules: [...around], alone: false };
  }

  #isInside({ sets }: Box, other: Box): boolean {
    return other.sets.every((set, at) => set === undefined || isWithin(sets[at] ?? this.#space.all(at), set));
  }
}
