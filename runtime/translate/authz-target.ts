import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import type { RequestAuthentication } from '#resources/request-authentication.ts';
import type { InvalidResource } from '#resources/resource.ts';

/** What a policy is attached to, as it was written. */
export interface Target {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  /** Absent: that of the policy. */
  readonly namespace?: string | undefined;
  /** The name of a rule of a route. */
  readonly sectionName?: string | undefined;
}

/** `Service/bookinfo/reviews`, `HTTPRoute/bookinfo/reviews#admin`: a target as a reader would name it. */
export function targetName({ kind, name, namespace, sectionName }: Target, home: string): string {
  return `${kind}/${namespace ?? home}/${name}${sectionName === undefined ? '' : `#${sectionName}`}`;
}

/** A policy that is attached to what it names. */
export type TargetedPolicy = AuthorizationPolicy | RequestAuthentication;

/** `targetRefs`, or the older `targetRef`. Empty: a policy for workloads, which ztunnel enforces. */
export function targetsOf({ spec }: TargetedPolicy): readonly Target[] {
  return spec.targetRefs.length > 0 ? spec.targetRefs : spec.targetRef === undefined ? [] : [spec.targetRef];
}

/** Where the target number `index` is written. */
export function targetPath({ spec }: TargetedPolicy, index: number): string {
  return spec.targetRefs.length > 0 ? `spec.targetRefs[${index}]` : 'spec.targetRef';
}

const targetFields = ['selector', 'targetRef', 'targetRefs'];
const fields: Readonly<Record<string, ReadonlySet<string>>> = {
  AuthorizationPolicy: new Set(['action', 'provider', 'rules', ...targetFields]),
  RequestAuthentication: new Set(['jwtRules', ...targetFields]),
};

/**
 * What a policy that is not valid was aimed at. `unknown`: that cannot be told either, so whoever needs to be safe
 * must take everything in the policy's namespace for its target. Takes what was written, and trusts none of it.
 */
export function targetsOfInvalid({ ref, raw }: InvalidResource): readonly Target[] | 'unknown' {
  const spec = member(raw, 'spec');
  if (!isObject(spec)) return 'unknown';
  const single = member(spec, 'targetRef');
  const several = member(spec, 'targetRefs');
  if (several !== undefined && !Array.isArray(several)) return 'unknown';
  const written: readonly unknown[] = [...(several ?? []), ...(single === undefined ? [] : [single])];
  if (written.length === 0) return aimedAtWorkloads(spec, fields[ref.kind]) ? [] : 'unknown';
  const targets = written.map((each) => targetOf(each));
  return targets.every((target) => target !== undefined) ? targets : 'unknown';
}

/** A misspelt `targetRefs` must not pass for a policy without targets. */
function aimedAtWorkloads(spec: object, known: ReadonlySet<string> | undefined): boolean {
  return Object.keys(spec).every((key) => known?.has(key) === true);
}

/** A section that cannot be read is left out, so that the whole of its route is meant. */
function targetOf(raw: unknown): Target | undefined {
  const kind = member(raw, 'kind');
  const name = member(raw, 'name');
  const group = member(raw, 'group') ?? '';
  const namespace = member(raw, 'namespace');
  const sectionName = member(raw, 'sectionName');
  if (typeof kind !== 'string' || typeof name !== 'string' || typeof group !== 'string') return undefined;
  if (namespace !== undefined && typeof namespace !== 'string') return undefined;
  if (kinds.get(group)?.includes(kind) !== true) return undefined;
  return {
    group,
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(typeof sectionName === 'string' && kind === 'HTTPRoute' ? { sectionName } : {}),
  };
}

const kinds: ReadonlyMap<string, readonly string[]> = new Map([
  ['', ['Service']],
  ['networking.istio.io', ['ServiceEntry']],
  ['gateway.networking.k8s.io', ['Gateway', 'GatewayClass', 'HTTPRoute']],
]);

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function member(value: unknown, key: string): unknown {
  if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
  const found = (value as Readonly<Record<string, unknown>>)[key];
  return found === null ? undefined : found;
}
