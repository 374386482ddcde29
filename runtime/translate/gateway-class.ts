import type { ResourceStatus } from '#model/status.ts';
import type { Gateway } from '#resources/gateway.ts';
import type { GatewayClass } from '#resources/gateway-class.ts';
import { condition, refOf, resourceStatus } from './condition.ts';
import { controllerName, type TranslateOptions } from './options.ts';

/** What a Gateway is to us: a waypoint, an ingress gateway, or somebody else's. */
export type Role = 'waypoint' | 'ingress' | undefined;

export function roleOf(gateway: Gateway, classes: ReadonlyMap<string, GatewayClass>, options: TranslateOptions): Role {
  return roleOfClass(gateway.spec.gatewayClassName, classes, options);
}

/** The names in the options decide without a GatewayClass being there; files often have none. */
export function roleOfClass(name: string, classes: ReadonlyMap<string, GatewayClass>, options: TranslateOptions): Role {
  if (options.gatewayClasses.includes(name) || classes.get(name)?.spec.controllerName === controllerName) {
    return 'waypoint';
  }
  return options.ingressClasses.includes(name) ? 'ingress' : undefined;
}

/** Classes of our own controller are accepted; the status of others is theirs to write. */
export function classStatus(gatewayClass: GatewayClass): ResourceStatus | undefined {
  if (gatewayClass.spec.controllerName !== controllerName) return undefined;
  return resourceStatus(refOf(gatewayClass), {
    conditions: [condition('Accepted', true, 'Accepted', 'Handled by Portolan')],
  });
}
