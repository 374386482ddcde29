import type { Finding } from '#model/finding.ts';
import type { LogLine } from '#proxy/log-line.ts';
import type { SupervisorEvent } from '#proxy/supervise.ts';
import type { PlacedFinding } from '#admin/api.ts';

/** What a running mesh tells whoever started it; rendering is the listener's. */
export type MeshEvent =
  /** Files were read and translated. `changed` is false when that changed nothing that an Envoy holds. */
  | {
      readonly kind: 'translated';
      readonly ms: number;
      readonly changed: boolean;
      readonly findings: readonly PlacedFinding[];
    }
  /** Every connected Envoy of the waypoint has accepted what the files hold. */
  | { readonly kind: 'accepted'; readonly waypoint: string; readonly ms: number }
  | {
      readonly kind: 'rejected';
      readonly waypoint: string;
      readonly type: string;
      readonly name: string;
      readonly reason: string;
    }
  | { readonly kind: 'waypoint'; readonly waypoint: string; readonly event: SupervisorEvent }
  | { readonly kind: 'waypointGone'; readonly waypoint: string }
  | { readonly kind: 'log'; readonly waypoint: string; readonly line: LogLine }
  /** Certificates, and files that cannot be read. */
  | { readonly kind: 'finding'; readonly finding: Finding };
