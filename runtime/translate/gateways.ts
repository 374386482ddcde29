import type { Gateway } from '#resources/gateway.ts';
import type { GatewayClass } from '#resources/gateway-class.ts';
import type { GatewayLookup } from './enrolment.ts';
import { roleOf } from './gateway-class.ts';
import { keyOf } from './inventory.ts';
import { Memo, step } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import { readWaypointGateway, type WaypointGateway } from './waypoint-gateway.ts';

export interface Gateways extends GatewayLookup {
  /** By `namespace/name`. */
  readonly waypoints: ReadonlyMap<string, WaypointGateway>;
  readonly ingresses: ReadonlyMap<string, Gateway>;
}

/** Makes the step that sorts Gateways by what they are to us. */
export function createGateways(
  options: TranslateOptions,
): (all: readonly Gateway[], classes: ReadonlyMap<string, GatewayClass>) => Gateways {
  const memo = new Memo<WaypointGateway>();
  return step((all, classes) => {
    const waypoints = new Map<string, WaypointGateway>();
    const ingresses = new Map<string, Gateway>();
    const others = new Set<string>();
    for (const gateway of all) {
      const key = keyOf(gateway);
      const role = roleOf(gateway, classes, options);
      if (role !== 'waypoint') others.add(key);
      if (role === 'ingress') ingresses.set(key, gateway);
      if (role === 'waypoint') {
        const gatewayClass = classes.get(gateway.spec.gatewayClassName);
        waypoints.set(
          key,
          memo.get(key, [gateway, gatewayClass], () => readWaypointGateway(gateway, gatewayClass)),
        );
      }
    }
    memo.sweep();
    return { waypoints, ingresses, others };
  });
}
