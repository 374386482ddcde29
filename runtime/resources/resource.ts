import type { Finding, ResourceRef } from '#model/finding.ts';

export interface ObjectMeta {
  readonly name: string;
  /** Always given: `default` where a namespaced resource says none, empty for kinds without a namespace. */
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339; breaks ties between routes as the Gateway API says. Empty: younger than any that has one. */
  readonly creationTimestamp: string;
  /** RFC 3339; given once somebody has deleted it, until it is gone. */
  readonly deletionTimestamp?: string;
  /** Given when the cluster chose the name. */
  readonly generateName?: string;
  /** Absent where none are written. */
  readonly ownerReferences?: readonly { readonly kind: string; readonly name: string; readonly controller?: boolean }[];
}

/** What every resource has; all there is of kinds that say nothing more to a waypoint. */
export interface ResourceHead<Kind extends string> {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
}

/** A resource as a cluster would hold it, validated and with defaults filled in. */
export interface Resource<Kind extends string, Spec> extends ResourceHead<Kind> {
  readonly spec: Spec;
}

/**
 * A resource that was read but is not valid, and has no earlier valid form, or that asks for what is not supported and
 * may not be left out: translation must fail closed on it.
 */
export interface InvalidResource {
  readonly ref: ResourceRef;
  readonly findings: readonly Finding[];
  /** What was written, untyped: enough to find out what it was aimed at. */
  readonly raw: unknown;
}
