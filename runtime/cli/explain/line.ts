import { percent } from '../render/bar.ts';
import type { Explanation } from './explanation.ts';
import { faultText, originText, policyText } from './words.ts';

/** An explanation in one line, for what `curl` says of a request: policy, route, fault and backends. */
export function oneLine(explanation: Explanation): string {
  const { refused, authz, route, backends } = explanation;
  if (refused !== undefined) return refused;
  const policy = [...(authz.asked ?? []).map(({ provider }) => `asks ${provider}`), policyPart(authz)].join('  ');
  if (!authz.allowed) return policy;
  if (route === undefined) return `${policy}  no route matches`;
  const targets = backends.map(({ backend = 'unresolved', share }) =>
    backends.length === 1 ? backend : `${backend} ${percent(share)}`,
  );
  return [
    policy,
    `route ${originText(route)}`,
    ...(route.fault === undefined ? [] : [`fault ${faultText(route.fault)}`]),
    ...(route.answer === undefined ? [] : [`answer ${route.answer}`]),
    ...(targets.length === 0 ? [] : [`→ ${targets.join(', ')}`]),
  ].join('  ');
}

function policyPart({ allowed, decidedBy, closed, nearest }: Explanation['authz']): string {
  if (closed !== undefined) return `closed: ${closed}`;
  if (decidedBy !== undefined)
    return `${decidedBy.action === 'DENY' ? 'denied by ' : 'policy '}${policyText(decidedBy)}`;
  if (allowed) return 'no ALLOW policy';
  if (nearest === undefined) return 'no rule allows it';
  return `no rule allows it; nearest ${policyText(nearest)} misses ${nearest.missed.join('; ')}`;
}
