import type { AuthzPolicySet, AuthzRequest, AuthzRule } from '#model/authz.ts';

/** A set and a request about which two deciders disagree. */
export interface Disagreement {
  readonly set: AuthzPolicySet;
  readonly request: AuthzRequest;
}

/** The smallest case that can be reached by leaving out one thing at a time while `disagrees` stays true. */
export function shrink(start: Disagreement, disagrees: (candidate: Disagreement) => boolean): Disagreement {
  let smallest = start;
  for (let found = true; found;) {
    const smaller = candidates(smallest).find(disagrees);
    found = smaller !== undefined;
    smallest = smaller ?? smallest;
  }
  return smallest;
}

function candidates({ set, request }: Disagreement): Disagreement[] {
  const sets = without(set.policies).concat(
    set.policies.flatMap((policy, index) =>
      rulesWithout(policy.rules).map((rules) => set.policies.with(index, { ...policy, rules })),
    ),
  );
  return [
    ...sets.map((policies) => ({ set: { policies }, request })),
    ...without(request.headers).map((headers) => ({ set, request: { ...request, headers } })),
  ];
}

function rulesWithout(rules: readonly AuthzRule[]): (readonly AuthzRule[])[] {
  return [
    ...without(rules),
    ...rules.flatMap((rule, index) => smallerParts(rule).map((smaller) => rules.with(index, smaller as AuthzRule))),
  ];
}

/** A value with one element of one of its lists left out, at any depth. */
function smallerParts(value: unknown): unknown[] {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return [
      ...without(items),
      ...items.flatMap((item, index) => smallerParts(item).map((smaller) => items.with(index, smaller))),
    ];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    smallerParts(part).map((smaller) => ({ ...value, [key]: smaller })),
  );
}

const without = <T>(list: readonly T[]): (readonly T[])[] => list.map((_, index) => list.toSpliced(index, 1));
