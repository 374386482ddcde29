import { group, kindName, namespaceName, objectName, sectionName } from './reference.ts';
import type { Report } from './schema/report.ts';
import * as s from './schema.ts';

/** PolicyTargetReference of Istio, with the section of the Gateway API's: a rule of a route by its name. */
const targetRef = s.object({
  group: s.withDefault(group, ''),
  kind: s.required(kindName),
  name: s.required(objectName),
  /** Another than the policy's own takes a ReferenceGrant there. */
  namespace: namespaceName,
  sectionName,
});

/** What every policy of `security.istio.io` says of whom it is for. */
export const policyTargetFields = {
  selector: s.object({ matchLabels: s.map(s.string({ max: 63 })) }),
  /** The older form of `targetRefs`. */
  targetRef,
  targetRefs: s.list(targetRef, { max: 16 }),
};

type Target = s.Infer<typeof targetRef>;

export interface PolicyTargets {
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly targetRef?: Target;
  readonly targetRefs: readonly Target[];
}

/** What only some kinds of policies may do: be for an HTTPRoute or a rule of it, and reach into other namespaces. */
export interface TargetReach {
  readonly routes: boolean;
  readonly namespaces: boolean;
}

/** The demands of Istio's webhook on them. */
export function validateTargets(
  { selector, targetRef, targetRefs }: PolicyTargets,
  reach: TargetReach,
  report: Report,
): void {
  const given = [selector, targetRef, targetRefs.length === 0 ? undefined : targetRefs].filter(Boolean);
  if (given.length > 1) {
    const expected = 'one of: selector, targetRef, targetRefs';
    error(report, '', 'a policy has either a selector or targetRefs', { expected });
  }
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {})) {
    const wild = key === '' || `${key}${value}`.includes('*');
    if (wild) error(report, `selector.matchLabels[${key}]`, 'a selector takes no wildcards and no empty keys', {});
  }
  if (targetRef !== undefined) validateTarget(targetRef, 'targetRef', reach, report);
  targetRefs.forEach((each, index) => validateTarget(each, `targetRefs[${index}]`, reach, report));
}

const targetKinds = [
  'gateway.networking.k8s.io/Gateway',
  'gateway.networking.k8s.io/GatewayClass',
  '/Service',
  'networking.istio.io/ServiceEntry',
];

const routeKind = 'gateway.networking.k8s.io/HTTPRoute';

function validateTarget(
  { group, kind, namespace, sectionName }: Target,
  at: string,
  reach: TargetReach,
  report: Report,
): void {
  if (namespace !== undefined && !reach.namespaces) {
    error(report, `${at}.namespace`, 'a target is in the namespace of its policy', { next: 'remove namespace' });
  } else if (namespace !== undefined && kind === 'GatewayClass') {
    error(report, `${at}.namespace`, 'a GatewayClass is in no namespace', { next: 'remove namespace' });
  }
  if (sectionName !== undefined && !(reach.routes && kind === 'HTTPRoute')) {
    error(report, `${at}.sectionName`, `a policy cannot target a section of kind ${kind}`, {
      ...(reach.routes ? { expected: 'a rule of an HTTPRoute by its name' } : {}),
      came: sectionName,
      next: 'remove sectionName',
    });
  }
  const written = `${group}/${kind}`;
  if (targetKinds.includes(written) || (reach.routes && written === routeKind)) return;
  const expected = reach.routes
    ? 'a Service, ServiceEntry (networking.istio.io), Gateway, GatewayClass or HTTPRoute (gateway.networking.k8s.io)'
    : 'a Service, ServiceEntry (networking.istio.io), Gateway or GatewayClass (gateway.networking.k8s.io)';
  const came = `kind ${kind}, group "${group}"`;
  error(report, at, 'a policy cannot have this target', { expected, came });
}

function error(
  report: Report,
  at: string,
  message: string,
  more: { readonly expected?: string; readonly came?: string; readonly next?: string },
): void {
  report.add({ code: 'PTL1310', level: 'error', message, ...more }, at);
}
