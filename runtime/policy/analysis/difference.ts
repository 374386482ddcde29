import type { AuthzDecision, AuthzPolicySet, AuthzRequest } from '#model/authz.ts';
import { decide } from '../authz/reference.ts';
import { same } from './bit-set.ts';
import type { AnalysisTarget } from './attribute.ts';
import { Cover, findOutside, type Budget } from './search.ts';
import { meeting, Space, type Box, type Point, type Region, type RuleRef } from './space.ts';

/** A request that two sets of policies decide differently. */
export interface Difference {
  readonly request: AuthzRequest;
  readonly before: AuthzDecision;
  readonly after: AuthzDecision;
}

export interface Comparison {
  readonly differences: readonly Difference[];
  /** Why there may be more: empty when these are all kinds of difference. */
  readonly limits: readonly string[];
}

/** Steps of the search that one comparison may take. */
export const BUDGET = 200_000;

/** A request as it comes to a set: on the route that it takes there. */
export type Routed = (request: AuthzRequest) => AuthzRequest;

/**
 * What two sets decide differently: an example for every rule of which one can be found, each decided by the reference
 * evaluator. Without limits, an empty list says that every request is decided alike.
 */
export function compare(
  before: AuthzPolicySet,
  after: AuthzPolicySet,
  target: AnalysisTarget,
  steps: number = BUDGET,
  routed: readonly [before: Routed, after: Routed] = [asItIs, asItIs],
): Comparison {
  const space = new Space([before, after], target);
  const budget = { left: steps };
  const [first, second] = [meaning(space, before, target), meaning(space, after, target)];
  const limits = new Set([
    ...space.incomplete.map((name) => `not every value of ${name} could be told apart`),
    ...first.blurred,
    ...second.blurred,
  ]);
  const found = new Map<string, Difference>();
  for (const [from, to] of [
    [first, second],
    [second, first],
  ] as const) {
    const differs = (point: Point): Difference | undefined => {
      const request = space.request(point);
      const old = decide(before, routed[0](request), target);
      const now = decide(after, routed[1](request), target);
      const wanted = from === first ? old.allowed && !now.allowed : !old.allowed && now.allowed;
      return wanted ? { request, before: old, after: now } : undefined;
    };
    for (const outcome of lost(space, from, to, budget)) {
      if (outcome === 'spent') {
        limits.add(`the budget of ${steps} steps is spent`);
        break;
      }
      const first = differs(outcome);
      if (first === undefined) {
        limits.add('an example did not stand the test of the reference evaluator');
        continue;
      }
      const key = deciding(first);
      if (found.has(key)) continue;
      const point = plainer(space, outcome, (one) => {
        const difference = differs(one);
        return difference !== undefined && deciding(difference) === key;
      });
      found.set(key, differs(point) ?? first);
    }
  }
  return { differences: [...found.values()], limits: [...limits] };
}

const asItIs: Routed = (request) => request;

/** The rules that decide before and after. */
const deciding = ({ before, after }: Difference): string => JSON.stringify([before, after]);

interface Meaning {
  readonly deny: readonly Box[];
  readonly allow: readonly Box[];
  /** Rules of which not all is known, and why. */
  readonly blurred: readonly string[];
}

function meaning(space: Space, set: AuthzPolicySet, { protocol }: AnalysisTarget): Meaning {
  if (set.closed !== undefined) return { deny: [], allow: [], blurred: [] };
  const deny = space.rules(set, 'DENY');
  const allow = space.rules(set, 'ALLOW');
  // What is on no route of an ALLOW policy is allowed as if there were none.
  const isOpen = !set.policies.some(
    ({ action, routes }) => action === 'ALLOW' && (routes === undefined || protocol === 'tcp'),
  );
  const ofRoutes = new Set(set.policies.flatMap((one) => (one.routes === undefined ? [] : [keyOf(one)])));
  const everything: Box = { rule: NOBODY, sets: Array.from({ length: space.attributes }, () => undefined) };
  return {
    deny: deny.flatMap(({ boxes }) => boxes),
    allow: isOpen ? [everything] : allow.flatMap(({ boxes }) => boxes),
    blurred: [...deny, ...allow].flatMap(({ rule, whole }) => {
      if (whole) return [];
      const isOfRoutes = ofRoutes.has(keyOf(rule));
      const why = isOfRoutes ? 'about some routes only, and so not analysed' : 'too wide or too odd to be analysed';
      return [`${keyOf(rule)} rule[${rule.rule}] is ${why}`];
    }),
  };
}

const keyOf = ({ namespace, name }: Pick<RuleRef, 'namespace' | 'name'>): string => `${namespace}/${name}`;

const NOBODY: RuleRef = { namespace: '', name: '', rule: -1 };

/**
 * Points that `from` allows and `to` denies: in a box that allows and in none that denies there, and here either in no
 * box that allows, or in one that denies. What both have in common need not be looked at: it cannot be the reason.
 */
function* lost(space: Space, from: Meaning, to: Meaning, budget: Budget): Generator<Point | 'spent'> {
  const notAllowed = new Cover(space, [...from.deny, ...to.allow]);
  yield* perRule(unlike(from.allow, to.allow), (box) => findOutside(space, box.sets, notAllowed, budget));
  const denied = new Cover(space, from.deny);
  yield* perRule(unlike(to.deny, from.deny), (box) => {
    let other: Point | 'none' | 'spent' = 'none';
    for (const allowing of from.allow) {
      const region = meeting(box.sets, allowing.sets);
      if (region === undefined) continue;
      const found = findOutside(space, region, denied, budget);
      if (found === 'none') continue;
      // Best is what would be allowed still, were it not for this rule.
      const best =
        found === 'spent' ? found : within(space, region, to.allow, (part) => findOutside(space, part, denied, budget));
      if (best !== 'none') return best;
      if (other === 'none') other = found;
    }
    return other;
  });
}

/** Parts of a region that are looked at one by one. */
const MOST_PARTS = 64;

/** The first point that is found in a part of a region that one of the boxes has too. */
function within(
  space: Space,
  region: Region,
  boxes: readonly Box[],
  find: (part: Region) => Point | 'none' | 'spent',
): Point | 'none' | 'spent' {
  let looked = 0;
  for (const { sets } of boxes) {
    const part = meeting(region, sets);
    if (part === undefined || space.plainest(part) === undefined) continue;
    const found = find(part);
    if (found !== 'none') return found;
    if (++looked === MOST_PARTS) break;
  }
  return 'none';
}

/** One example a rule is enough. */
function* perRule(boxes: readonly Box[], find: (box: Box) => Point | 'none' | 'spent'): Generator<Point | 'spent'> {
  let shown: RuleRef | undefined;
  for (const box of boxes) {
    if (box.rule === shown) continue;
    const found = find(box);
    if (found === 'none') continue;
    yield found;
    if (found === 'spent') return;
    shown = box.rule;
  }
}

/** Boxes of which the other list has no like. */
function unlike(boxes: readonly Box[], others: readonly Box[]): readonly Box[] {
  const byHash = new Map<string, Box[]>();
  for (const other of others) {
    const key = hash(other);
    const those = byHash.get(key);
    if (those === undefined) byHash.set(key, [other]);
    else those.push(other);
  }
  return boxes.filter((box) => !byHash.get(hash(box))?.some((other) => isLike(box.sets, other.sets)));
}

const hash = ({ sets }: Box): string =>
  sets.map((set) => (set === undefined ? '' : set.reduce((sum, word) => (sum * 31 + word) | 0, 7))).join();

const isLike = (a: Region, b: Region): boolean =>
  a.every((set, at) => {
    const other = b[at];
    return set === other || (set !== undefined && other !== undefined && same(set, other));
  });

/** The same difference with the plain value of every attribute that it does not need. */
function plainer(space: Space, point: Point, holds: (point: Point) => boolean): Point {
  let now = point;
  for (let again = true; again;) {
    again = false;
    for (const [attribute, cell] of now.entries()) {
      if (cell === 0 || space.size(attribute) === 0) continue;
      const tried = now.map((one, at) => (at === attribute ? 0 : one));
      if (!holds(tried)) continue;
      now = tried;
      again = true;
    }
  }
  return now;
}
