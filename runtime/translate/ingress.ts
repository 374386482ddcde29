import type { Finding } from '#model/finding.ts';
import type { Condition, ResourceStatus } from '#model/status.ts';
import type { Ingress } from '#model/waypoint.ts';
import type { Gateway } from '#resources/gateway.ts';
import type { HTTPRoute } from '#resources/http-route.ts';
import { admits, describeAllowed } from './allowed-namespaces.ts';
import { permits, type Referents } from './backend-ref.ts';
import { condition, refOf, resourceStatus } from './condition.ts';
import { byHostname, intersect } from './hostname.ts';
import type { Translated } from './http-route.ts';
import { push } from './inventory.ts';
import type { Labels } from './label-selector.ts';
import { mergeRoutes } from './port-routes.ts';
import { refuse, type Parent } from './route-parent.ts';

type Listener = Gateway['spec']['listeners'][number];

/** A route on a listener, for one of the host names that both are for. */
export interface ListenerRoute {
  readonly listener: Listener;
  readonly hostname: string;
}

/** The listeners that a parentRef of a route reaches, or why it reaches none. */
export function resolveIngress(
  route: HTTPRoute,
  index: number,
  gateway: Gateway,
  namespaceLabels: Labels,
): { readonly places: readonly ListenerRoute[] } | Extract<Parent, { kind: 'refused' }> {
  const ref = route.spec.parentRefs[index]!;
  const { namespace } = route.metadata;
  const home = gateway.metadata.namespace;
  const named = gateway.spec.listeners.filter(
    ({ name, port, protocol }) =>
      (ref.sectionName ?? name) === name &&
      (ref.port ?? port) === port &&
      (protocol === 'HTTP' || protocol === 'HTTPS'),
  );
  if (named.length === 0) {
    return refuse(route, index, 'NoMatchingParent', `Gateway ${ref.name} has no such HTTP listener`, {
      code: 'PTL1202',
      level: 'error',
      expected: `one of: ${gateway.spec.listeners.map(({ name }) => name).join(', ')}`,
      came: ref.sectionName ?? String(ref.port ?? 'none'),
    });
  }
  const open = named.filter(
    ({ allowedRoutes: { namespaces, kinds } }) =>
      admits(namespaces, home, namespace, namespaceLabels) &&
      (kinds.length === 0 ||
        kinds.some(({ group, kind }) => group === 'gateway.networking.k8s.io' && kind === 'HTTPRoute')),
  );
  if (open.length === 0) {
    return refuse(route, index, 'NotAllowedByListeners', `its listeners do not admit namespace ${namespace}`, {
      code: 'PTL1211',
      level: 'error',
      expected: describeAllowed(named[0]!.allowedRoutes.namespaces),
      came: namespace,
      next: `label namespace ${namespace} as allowedRoutes of Gateway ${home}/${ref.name} asks`,
    });
  }
  const hosts: readonly (string | undefined)[] = route.spec.hostnames.length > 0 ? route.spec.hostnames : [undefined];
  const places = open.flatMap((listener) =>
    hosts.flatMap((host) => {
      const hostname = intersect(listener.hostname, host);
      return hostname === undefined ? [] : [{ listener, hostname }];
    }),
  );
  if (places.length > 0) return { places };
  return refuse(route, index, 'NoMatchingListenerHostname', 'no hostname is one of its listeners', {
    code: 'PTL1202',
    level: 'error',
    expected: named.map(({ hostname }) => hostname ?? '*').join(', '),
    came: route.spec.hostnames.join(', '),
    next: 'correct the hostnames',
  });
}

/** Routes by listener and host name, each merged by precedence. */
export function ingressListeners(
  gateway: Gateway,
  attached: readonly (ListenerRoute & { readonly translated: Translated })[],
): Ingress['listeners'] {
  return gateway.spec.listeners.map((listener) => {
    const byHost = new Map<string, Translated[]>();
    for (const each of attached) if (each.listener === listener) push(byHost, each.hostname, each.translated);
    const names = [...byHost.keys()].sort(byHostname);
    return {
      name: listener.name,
      hostname: listener.hostname ?? '',
      port: listener.port,
      protocol: listener.protocol,
      certificates: (listener.tls?.certificateRefs ?? []).map(
        ({ kind, namespace, name }) => `${kind}/${namespace ?? gateway.metadata.namespace}/${name}`,
      ),
      routes: names.map((name) => ({
        hostnames: [name],
        routes: mergeRoutes([...new Set(byHost.get(name))], 'precedence').routes,
      })),
    };
  });
}

const fine = 'No errors found';

/** The status of an ingress gateway: accepted, and by its own word not served. */
export function ingressStatus(
  gateway: Gateway,
  attachedRoutes: (listener: Listener) => number,
  grants: Referents['grants'],
): ResourceStatus {
  const refs = gateway.spec.listeners.map((listener) => certificateCondition(gateway, listener, grants));
  const bad = refs.find(({ status }) => status === 'False');
  const notServed = condition('Programmed', false, 'Pending', 'The ingress role is translated but not served yet');
  return resourceStatus(refOf(gateway), {
    conditions: [
      condition('Accepted', true, 'Accepted', 'Resource accepted'),
      notServed,
      bad ?? condition('ResolvedRefs', true, 'ResolvedRefs', fine),
    ],
    listeners: gateway.spec.listeners.map((listener, index) => ({
      name: listener.name,
      conditions: [
        condition('Accepted', true, 'Accepted', fine),
        condition('Conflicted', false, 'NoConflicts', fine),
        notServed,
        refs[index]!,
      ],
      attachedRoutes: attachedRoutes(listener),
    })),
  });
}

/** Whether the Secrets exist is not known here; whether they may be used is. */
function certificateCondition(gateway: Gateway, listener: Listener, grants: Referents['grants']): Condition {
  const home = gateway.metadata.namespace;
  for (const { group, kind, name, namespace } of listener.tls?.certificateRefs ?? []) {
    if (group !== '' || kind !== 'Secret') {
      return condition(
        'ResolvedRefs',
        false,
        'InvalidCertificateRef',
        `certificates of kind ${kind} are not supported`,
      );
    }
    if (
      namespace !== undefined &&
      namespace !== home &&
      !permits(grants.get(namespace), 'Gateway', home, '', 'Secret', name)
    ) {
      const message = `no ReferenceGrant of namespace ${namespace} lets Gateways of namespace ${home} use Secret ${name}`;
      return condition('ResolvedRefs', false, 'RefNotPermitted', message);
    }
  }
  return condition('ResolvedRefs', true, 'ResolvedRefs', fine);
}

export function ingressFindings(gateway: Gateway, status: ResourceStatus): readonly Finding[] {
  const findings: Finding[] = [
    {
      code: 'PTL1503',
      level: 'warning',
      resource: refOf(gateway),
      path: 'spec.gatewayClassName',
      message: `Gateway ${gateway.metadata.name} is an ingress gateway, which is translated but not served yet`,
      expected: 'a waypoint class',
      came: gateway.spec.gatewayClassName,
      effect: 'nothing listens on its ports',
      next: 'let another controller serve it until a later version does',
    },
  ];
  status.listeners.forEach(({ name, conditions }, index) => {
    const refs = conditions.find(({ type }) => type === 'ResolvedRefs');
    if (refs === undefined || refs.status === 'True') return;
    findings.push({
      code: 'PTL1218',
      level: 'error',
      resource: refOf(gateway),
      path: `spec.listeners[${index}].tls.certificateRefs`,
      message: `listener "${name}" of Gateway ${gateway.metadata.name}: ${refs.message}`,
      expected: 'a Secret that the Gateway may use',
      effect: 'the listener has no certificate',
      next: 'name a Secret of the same namespace, or create a ReferenceGrant',
    });
  });
  return findings;
}
