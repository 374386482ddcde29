import type { ResourceRef } from '#model/finding.ts';
import type { Condition, ParentStatus, ResourceStatus } from '#model/status.ts';
import { none } from './memo.ts';

/** A condition that holds or does not. Reasons are those of the Gateway API and of Istio. */
export function condition(type: string, holds: boolean, reason: string, message: string): Condition {
  return { type, status: holds ? 'True' : 'False', reason, message };
}

export function resourceStatus(
  resource: ResourceRef,
  parts: {
    readonly conditions?: readonly Condition[];
    readonly parents?: readonly ParentStatus[];
    readonly listeners?: ResourceStatus['listeners'];
  },
): ResourceStatus {
  return {
    resource,
    conditions: parts.conditions ?? none,
    parents: parts.parents ?? none,
    listeners: parts.listeners ?? none,
  };
}

/** The reference by which findings and statuses name a resource. */
export function refOf(resource: {
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string };
}): ResourceRef {
  return { kind: resource.kind, namespace: resource.metadata.namespace, name: resource.metadata.name };
}
