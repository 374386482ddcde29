import type { Finding } from '#model/finding.ts';
import type { Condition, ParentStatus, ResourceStatus } from '#model/status.ts';
import type { HTTPRoute } from '#resources/http-route.ts';
import type { Referent } from './backend-ref.ts';
import { condition, refOf, resourceStatus } from './condition.ts';
import { parentName } from './route-parent.ts';

/** The verdict about a parent as a status tells it. */
export interface Verdict {
  readonly kind: string;
  readonly reason?: string;
  readonly message?: string;
  readonly finding?: Finding;
}

// One object for all: most routes are in order, and a mesh has thousands.
const wasAccepted = condition('Accepted', true, 'Accepted', 'Route was valid');
const wasResolved = condition('ResolvedRefs', true, 'ResolvedRefs', 'All references resolved');
const allGood: readonly Condition[] = [wasAccepted, wasResolved];

/** The status of a route: one entry for each parent that is ours. Undefined: none is. */
export function routeStatus(
  route: HTTPRoute,
  verdicts: readonly Verdict[],
  referents: readonly (readonly Referent[])[],
): ResourceStatus | undefined {
  const resolved = resolvedRefs(referents);
  const parents = verdicts.flatMap((verdict, index): readonly ParentStatus[] => {
    if (verdict.kind === 'other') return [];
    const accepted =
      verdict.kind === 'refused'
        ? condition('Accepted', false, verdict.reason ?? 'NoMatchingParent', verdict.message ?? '')
        : wasAccepted;
    const parent = parentName(route.spec.parentRefs[index]!, route.metadata.namespace);
    const good = accepted === wasAccepted && resolved === wasResolved;
    return [{ parent, conditions: good ? allGood : [accepted, resolved] }];
  });
  return parents.length === 0 ? undefined : resourceStatus(refOf(route), { parents });
}

/** One condition for all references of a route, so the first that fails gives the reason. */
function resolvedRefs(referents: readonly (readonly Referent[])[]): Condition {
  for (const referent of referents.flat()) {
    if ('reason' in referent) return condition('ResolvedRefs', false, referent.reason, referent.message);
  }
  return wasResolved;
}
