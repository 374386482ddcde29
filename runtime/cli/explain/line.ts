import { percent } from '../render/bar.ts';
import type { Explanation } from './explanation.ts';
import { originText, policyText } from './words.ts';

/** An explanation in one line, for what `curl` says of a request: policy, route and backends. */
export function oneLine({ authz, route, backends }: Explanation): string {
  const { decidedBy, policies, closed } = authz;
  const policy =
    decidedBy !== undefined
      ? `policy ${policyText(decidedBy)}`
      : authz.allowed
        ? 'no policy'
        : closed !== undefined
          ? `closed: ${closed}`
          : `denied: none of ${policies} ${policies === 1 ? 'policy' : 'policies'} allows it`;
  if (!authz.allowed || route === undefined) return policy;
  const targets = backends.map(({ backend = 'unresolved', share }) =>
    backends.length === 1 ? backend : `${backend} ${percent(share)}`,
  );
  return `${policy}  ${originText(route)}${targets.length === 0 ? '' : `  → ${targets.join(', ')}`}`;
}
