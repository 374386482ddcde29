import type { AuthzPolicy, AuthzRule } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import type { Model } from '#model/waypoint.ts';
import { BUDGET } from './difference.ts';
import { flawsOf, type Flaw, type RuleFlaws } from './flaw.ts';
import type { Budget } from './search.ts';
import { targetsOf, type DecidedTarget } from './target.ts';
import { lowerCaseMethods, sayAllowsNothing, sayFlaw } from './warning.ts';

/** A rule at all places where it is in force. */
interface Seen {
  readonly policy: AuthzPolicy;
  readonly rule: number;
  /** Times that it is in force somewhere; with HTTP apart, since only there all of its clauses are asked. */
  times: number;
  httpTimes: number;
  /** Flaws by what they are, with how often they were found. */
  readonly flaws: Map<string, { readonly flaw: Flaw; times: number; httpTimes: number }>;
}

/**
 * What is certainly wrong with rules of policies: they, or a part of them, change no decision wherever they are in
 * force. What cannot be told within the budget is not said.
 */
export function policyFindings({ waypoints }: Model, paths: PathNormalization | undefined): readonly Finding[] {
  const targets = waypoints.flatMap((waypoint) => [...targetsOf(waypoint, paths)]);
  const seen = new Map<string, Seen>();
  const written = asWritten(targets);
  const budget: Budget = { left: 10 * BUDGET };
  const known = new Map<string, readonly RuleFlaws[] | undefined>();
  const numbers = new Map<AuthzPolicy, number>();
  for (const { set, target } of targets) {
    const key = likeness({ set, target }, numbers);
    if (!known.has(key)) known.set(key, flawsOf(set, target, budget));
    const flaws = known.get(key);
    const isHttp = target.protocol === 'http';
    // Rules come in the same order.
    let number = 0;
    for (const policy of set.policies) {
      for (const [index, rule] of policy.rules.entries()) {
        const place = placeOf(policy, index, rule, written);
        const found = flaws?.[number++]?.flaws ?? [];
        note(seen, place, found, isHttp);
      }
    }
  }
  const idle = new Map<AuthzPolicy, number>();
  const findings = [...seen.values()].flatMap((one) => {
    const flaws = certain(one);
    if (flaws.some((flaw) => allowsNothing(one.policy, flaw))) idle.set(one.policy, (idle.get(one.policy) ?? 0) + 1);
    return [...flaws.map((flaw) => sayFlaw(one.policy, one.rule, flaw)), ...lowerCaseMethods(one.policy, one.rule)];
  });
  const empty = [...idle].filter(([policy, rules]) => policy.action === 'ALLOW' && rules === policy.rules.length);
  return [...findings, ...empty.map(([policy]) => sayAllowsNothing(policy))];
}

const allowsNothing = ({ action }: AuthzPolicy, flaw: Flaw): boolean =>
  flaw.kind === 'rule' || (flaw.kind === 'covered' && flaw.by.action !== action);

/** By policy its form for HTTP, which has all of its rules. */
function asWritten(targets: readonly DecidedTarget[]): ReadonlyMap<string, AuthzPolicy> {
  const policies = targets.flatMap(({ set, target }) => (target.protocol === 'http' ? set.policies : []));
  return new Map(policies.map((policy) => [`${policy.namespace}/${policy.name}`, policy]));
}

/** The rule as it is written: for TCP, rules that ask for HTTP may have been left out. */
function placeOf(
  policy: AuthzPolicy,
  index: number,
  rule: AuthzRule,
  written: ReadonlyMap<string, AuthzPolicy>,
): { readonly policy: AuthzPolicy; readonly rule: number } | undefined {
  const whole = written.get(`${policy.namespace}/${policy.name}`);
  if (whole === undefined) return undefined;
  const at = policy.action === 'DENY' ? index : whole.rules.indexOf(rule);
  return at < 0 ? undefined : { policy: whole, rule: at };
}

function note(
  seen: Map<string, Seen>,
  place: { readonly policy: AuthzPolicy; readonly rule: number } | undefined,
  flaws: readonly Flaw[],
  isHttp: boolean,
): void {
  if (place === undefined) return;
  const { policy, rule } = place;
  const key = `${policy.namespace}/${policy.name} ${rule}`;
  let one = seen.get(key);
  if (one === undefined) seen.set(key, (one = { policy, rule, times: 0, httpTimes: 0, flaws: new Map() }));
  one.times++;
  if (isHttp) one.httpTimes++;
  for (const flaw of flaws) {
    const name = flaw.kind === 'rule' || flaw.kind === 'covered' ? flaw.kind : `${flaw.kind} ${flaw.at}`;
    let known = one.flaws.get(name);
    if (known === undefined) one.flaws.set(name, (known = { flaw, times: 0, httpTimes: 0 }));
    known.times++;
    if (isHttp) known.httpTimes++;
  }
}

/** Flaws that a rule has everywhere. A rule may never match here and be covered there: then it is of no use either. */
function certain({ times, httpTimes, flaws }: Seen): readonly Flaw[] {
  const timesOf = (kind: string): number => flaws.get(kind)?.times ?? 0;
  if (timesOf('rule') === times) return [flaws.get('rule')!.flaw];
  if (timesOf('rule') + timesOf('covered') === times) return [flaws.get('covered')!.flaw];
  return [...flaws.values()].flatMap(({ flaw, httpTimes: found }) =>
    flaw.kind !== 'rule' && flaw.kind !== 'covered' && found === httpTimes && !isToldElsewhere(flaw) ? [flaw] : [],
  );
}

/** Sets of the same policies are alike where nothing asks for the address and port of the service. */
function likeness({ set, target }: Pick<DecidedTarget, 'set' | 'target'>, numbers: Map<AuthzPolicy, number>): string {
  const names = set.policies.map((policy) => {
    let number = numbers.get(policy);
    if (number === undefined) numbers.set(policy, (number = numbers.size));
    return number;
  });
  const place = set.policies.some(asksForDestination) ? `${target.addresses.join()} ${target.port}` : '';
  return `${names.join()} ${set.closed ?? ''} ${target.protocol} ${target.trustDomains.join()} ${place}`;
}

const asksForDestination = ({ rules }: AuthzPolicy): boolean =>
  rules.some(
    ({ to, when }) =>
      to.some(({ ports }) => ports.any.length + ports.none.length > 0) ||
      when.some(({ key }) => key === 'destinationIp' || key === 'destinationPort'),
  );

/** A principal with a scheme has a finding of its own. */
const isToldElsewhere = (flaw: Flaw): boolean => flaw.kind === 'value' && flaw.value.startsWith('spiffe://');
