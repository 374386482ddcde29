import type { AuthzPolicySet } from '#model/authz.ts';
import type { Waypoint } from '#model/waypoint.ts';

/** The request headers that policies of these sets ask for, in lower case, sorted. */
export function headersAsked(sets: readonly AuthzPolicySet[]): readonly string[] {
  const names = new Set<string>();
  for (const { policies } of sets) {
    for (const { rules } of policies) {
      for (const { when } of rules) {
        for (const condition of when) if (condition.key === 'header') names.add(condition.header.toLowerCase());
      }
    }
  }
  return [...names].sort();
}

/** More names than this are not kept with a denial. */
const MOST_KEPT = 64;

/** What tells a secret by its header's name; better one name too many. */
const SECRET = /auth|cookie|token|secret|passw|credential|session|key|signature|jwt|bearer|csrf|xsrf|assertion|otp/;

/**
 * The headers whose values are kept with a denied request: those that policies of a waypoint look at, but none that may
 * hold a secret. What HTTP/2 writes as a header is kept anyway.
 */
export function headersKept({ ports, workloadAuthz }: Waypoint): readonly string[] {
  return headersAsked([...ports.map(({ authz }) => authz), workloadAuthz])
    .filter((name) => /^[a-z0-9!#$&'*+.^_`|~-]+$/.test(name) && name !== 'host' && !SECRET.test(name))
    .slice(0, MOST_KEPT);
}
