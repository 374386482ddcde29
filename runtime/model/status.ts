import type { ResourceRef } from './finding.ts';

/** A Kubernetes condition without its times, which only a writer to a cluster knows. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** What the Gateway API calls `status.parents[]`, or `ancestors[]` of a policy. */
export interface ParentStatus {
  /** `Service/bookinfo/reviews:9080`: the parent as a reader would name it. */
  readonly parent: string;
  readonly conditions: readonly Condition[];
}

/** The status that translation gives one resource. Written to a cluster by a controller, printed by `portolan status`. */
export interface ResourceStatus {
  readonly resource: ResourceRef;
  readonly conditions: readonly Condition[];
  readonly parents: readonly ParentStatus[];
  /** Gateways: one entry a listener. */
  readonly listeners: readonly {
    readonly name: string;
    readonly conditions: readonly Condition[];
    readonly attachedRoutes: number;
  }[];
}
