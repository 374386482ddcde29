import type { Finding } from '#model/finding.ts';
import type { Condition, ResourceStatus } from '#model/status.ts';
import type { Gateway } from '#resources/gateway.ts';
import type { GatewayClass } from '#resources/gateway-class.ts';
import type { AllowedNamespaces } from './allowed-namespaces.ts';
import { condition, refOf, resourceStatus } from './condition.ts';
import { label } from './label-selector.ts';

/** What traffic a waypoint takes: addressed to services, to pods, to both or to nobody. */
export type Traffic = 'service' | 'workload' | 'all' | 'none';

/** A Gateway of a waypoint class. */
export interface WaypointGateway {
  readonly gateway: Gateway;
  /** `namespace/name` */
  readonly key: string;
  readonly traffic: Traffic;
  /** Which namespaces may be enrolled. */
  readonly allowed: AllowedNamespaces | undefined;
  /** Why it cannot serve; undefined: it does. */
  readonly refusal: string | undefined;
  /** The condition of those who are enrolled. */
  readonly bound: readonly Condition[];
  readonly findings: readonly Finding[];
}

/** Istio's condition of what is enrolled to a waypoint. */
export const waypointBound = 'istio.io/WaypointBound';

const hbonePort = 15008;
const proxyProtocol = 'istio.io/PROXY';
type Listener = Gateway['spec']['listeners'][number];

/** Reads a Gateway of a waypoint class; the class gives the default of `istio.io/waypoint-for`. */
export function readWaypointGateway(gateway: Gateway, gatewayClass: GatewayClass | undefined): WaypointGateway {
  const { namespace, name } = gateway.metadata;
  const { listeners } = gateway.spec;
  const hbone = listeners.find((listener) => isHbone(listener));
  const proxy = listeners.find((listener) => listener.protocol === proxyProtocol);
  const unexpected = listeners.filter((listener) => unexpectedListener(listener, proxy !== undefined));
  const refusal =
    unexpected.length > 0 || listeners.length === 0
      ? 'Expected a single listener on port 15008 with protocol "HBONE"'
      : hbone === undefined
        ? 'The PROXY binding is not served yet: add a listener on port 15008 with protocol "HBONE"'
        : undefined;
  const findings: Finding[] = unexpected.map((listener) => unexpectedFinding(gateway, listener));
  if (listeners.length === 0) findings.push(noListenerFinding(gateway));
  if (proxy !== undefined) findings.push(proxyFinding(gateway, listeners.indexOf(proxy)));
  const traffic = trafficOf(gateway, gatewayClass);
  if (traffic.finding !== undefined) findings.push(traffic.finding);
  return {
    gateway,
    key: `${namespace}/${name}`,
    traffic: traffic.value,
    allowed: (hbone ?? proxy)?.allowedRoutes?.namespaces,
    refusal,
    bound: [
      condition(waypointBound, true, 'WaypointAccepted', `Successfully attached to waypoint ${namespace}/${name}`),
    ],
    findings,
  };
}

const isHbone = (listener: Listener): boolean => listener.port === hbonePort && listener.protocol === 'HBONE';

/** Sandwiched Gateways carry a TCP listener on 15008, so that their Service has the port. */
function unexpectedListener(listener: Listener, sandwich: boolean): boolean {
  if (isHbone(listener) || listener.protocol === proxyProtocol) return false;
  return !(sandwich && listener.port === hbonePort && listener.protocol === 'TCP');
}

function trafficOf(gateway: Gateway, gatewayClass: GatewayClass | undefined): { value: Traffic; finding?: Finding } {
  const key = 'istio.io/waypoint-for';
  const text = label(gateway.metadata.labels, key) ?? label(gatewayClass?.metadata.labels ?? {}, key) ?? 'service';
  switch (text) {
    case 'service':
    case 'workload':
    case 'all':
    case 'none':
      return { value: text };
    default:
      return {
        value: 'none',
        finding: {
          code: 'PTL1506',
          level: 'error',
          resource: refOf(gateway),
          path: `metadata.labels[${key}]`,
          message: `${key} of Gateway ${gateway.metadata.name} is "${text}"`,
          expected: 'service, workload, all or none',
          came: text,
          effect: 'the waypoint takes no traffic',
          next: `set the label ${key} to service`,
        },
      };
  }
}

/** The status of a waypoint's Gateway, with the number of HTTPRoutes that are attached to the Gateway itself. */
export function waypointStatus(waypoint: WaypointGateway, attachedRoutes: number): ResourceStatus {
  const { gateway, refusal } = waypoint;
  const ok = refusal === undefined;
  return resourceStatus(refOf(gateway), {
    conditions: [
      condition('Accepted', ok, ok ? 'Accepted' : 'ListenersNotValid', refusal ?? 'Resource accepted'),
      condition('Programmed', ok, ok ? 'Programmed' : 'Invalid', refusal ?? 'Configuration is served to the waypoint'),
      condition('ResolvedRefs', true, 'ResolvedRefs', 'No errors found'),
    ],
    listeners: gateway.spec.listeners.map((listener) => ({
      name: listener.name,
      conditions: listenerConditions(listener, waypoint),
      attachedRoutes: isHbone(listener) ? attachedRoutes : 0,
    })),
  });
}

function listenerConditions(listener: Listener, waypoint: WaypointGateway): readonly Condition[] {
  const sandwich = waypoint.gateway.spec.listeners.some((other) => other.protocol === proxyProtocol);
  const ok = !unexpectedListener(listener, sandwich);
  const served = ok && (isHbone(listener) || !sandwich);
  const fine = 'No errors found';
  return [
    condition('Accepted', ok, ok ? 'Accepted' : 'UnsupportedProtocol', ok ? fine : waypoint.refusal!),
    condition('Conflicted', false, 'NoConflicts', fine),
    condition(
      'Programmed',
      served,
      served ? 'Programmed' : 'Invalid',
      served ? fine : ok ? 'The PROXY binding is not served yet' : waypoint.refusal!,
    ),
    condition('ResolvedRefs', true, 'ResolvedRefs', fine),
  ];
}

function unexpectedFinding(gateway: Gateway, listener: Listener): Finding {
  return {
    code: 'PTL1217',
    level: 'error',
    resource: refOf(gateway),
    path: `spec.listeners[${gateway.spec.listeners.indexOf(listener)}]`,
    message: `listener "${listener.name}" of waypoint ${gateway.metadata.name} is not the listener of a waypoint`,
    expected: 'a single listener with port 15008 and protocol HBONE',
    came: `port ${listener.port} and protocol ${listener.protocol}`,
    effect: 'the waypoint does not serve, and what is enrolled to it is reached directly',
    next: 'set port: 15008 and protocol: HBONE',
  };
}

function noListenerFinding(gateway: Gateway): Finding {
  return {
    code: 'PTL1217',
    level: 'error',
    resource: refOf(gateway),
    path: 'spec.listeners',
    message: `waypoint ${gateway.metadata.name} has no listener`,
    expected: 'a single listener with port 15008 and protocol HBONE',
    came: 'none',
    effect: 'the waypoint does not serve, and what is enrolled to it is reached directly',
    next: 'add {name: mesh, port: 15008, protocol: HBONE}',
  };
}

function proxyFinding(gateway: Gateway, index: number): Finding {
  return {
    code: 'PTL1504',
    level: 'warning',
    resource: refOf(gateway),
    path: `spec.listeners[${index}].protocol`,
    message: `waypoint ${gateway.metadata.name} asks for the PROXY binding, which is not served yet`,
    expected: 'HBONE',
    came: proxyProtocol,
    effect: 'only the HBONE listener on port 15008 is served',
    next: 'use a listener with port 15008 and protocol HBONE',
  };
}
