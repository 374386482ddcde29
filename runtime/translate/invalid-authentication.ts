import type { Finding } from '#model/finding.ts';
import { readableJwtRules } from '#resources/request-authentication.ts';
import type { InvalidResource } from '#resources/resource.ts';
import { targetsOfInvalid, type Target } from './authz-target.ts';
import { condition, resourceStatus } from './condition.ts';
import { reach } from './invalid-policy.ts';
import { jwtRule } from './jwt-rule.ts';
import { none } from './memo.ts';
import type { Surroundings } from './policy-status.ts';
import type { AttachedAuthenticator } from './request-authentications.ts';

const keys = { kind: 'none', reason: 'the RequestAuthentication is not valid' } as const;

/**
 * A RequestAuthentication that is not valid: whatever token is found where it may have looked for one is refused, unless
 * another one finds it valid. Requests without a token pass as they would.
 */
export function readInvalidAuthentication(resource: InvalidResource, around: Surroundings): AttachedAuthenticator {
  const { namespace, name } = resource.ref;
  const targets = targetsOfInvalid(resource);
  const readable = readableJwtRules(resource.raw);
  const rules = (readable.length === 0 ? [{}] : readable).map((spec, rule) =>
    // Its issuer may be the very thing that is wrong.
    ({ ...jwtRule(spec, keys, { namespace, name, rule }), issuer: undefined, audiences: none }),
  );
  const message = 'The RequestAuthentication is not valid; no token is accepted at its targets until it is corrected';
  return {
    authenticator: { namespace, name, rules, uses: none },
    to:
      targets === 'unknown'
        ? [{ kind: 'namespace', name: namespace }]
        : // Unlike an AuthorizationPolicy it never reaches into another namespace.
          targets.flatMap((target) => reach({ ...target, namespace }, namespace, around)),
    status: resourceStatus(resource.ref, { conditions: [condition('WaypointAccepted', false, 'Invalid', message)] }),
    findings: [invalidFinding(resource, targets)],
  };
}

function invalidFinding({ ref }: InvalidResource, targets: readonly Target[] | 'unknown'): Finding {
  return {
    code: 'PTL1703',
    level: 'error',
    resource: ref,
    path: '',
    message: `RequestAuthentication ${ref.name} is not valid, and there is no earlier version that is`,
    effect:
      targets === 'unknown'
        ? `every service of namespace ${ref.namespace} behind a waypoint refuses tokens that no other RequestAuthentication accepts`
        : targets.length === 0
          ? 'it is not enforced here; waypoints heed targetRefs alone'
          : 'its targets refuse tokens that no other RequestAuthentication accepts; requests without a token pass',
    next: 'correct the errors above, or remove it',
  };
}
