import type { Finding } from '#model/finding.ts';
import type { DestinationRule } from '#resources/destination-rule.ts';
import { refOf } from './condition.ts';
import { type Destination, mergeDestinationRules } from './destination-rule.ts';
import { findService } from './host.ts';
import { push } from './inventory.ts';
import { ResourceMemo, step } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import { oldestFirst } from './route-order.ts';
import type { KnownService } from './service.ts';
import type { Services } from './services.ts';

export interface Destinations {
  /**
   * What DestinationRules say of a service to a waypoint: those of the waypoint's namespace, else of the service's,
   * else of the root namespace. They are not mixed.
   */
  of(service: KnownService, waypointNamespace: string): Destination | undefined;
  readonly findings: readonly Finding[];
}

/** Makes the step that finds DestinationRules by the service they are about. */
export function createDestinations(
  options: TranslateOptions,
): (all: readonly DestinationRule[], services: Services) => Destinations {
  // By the oldest of the rules: each is about one host.
  const memo = new ResourceMemo<Destination>();
  return step((all, services) => {
    const namespaces = new Map<string, Map<KnownService, DestinationRule[]>>();
    const findings: Finding[] = [];
    for (const rule of oldestFirst(all)) {
      const { namespace } = rule.metadata;
      const service = findService(rule.spec.host, namespace, services, options.clusterDomain);
      if (service === undefined) {
        findings.push(missingHost(rule));
        continue;
      }
      let ofServices = namespaces.get(namespace);
      if (ofServices === undefined) namespaces.set(namespace, (ofServices = new Map()));
      push(ofServices, service, rule);
    }
    const destinations = new Map<string, ReadonlyMap<KnownService, Destination>>();
    for (const [namespace, ofServices] of namespaces) {
      const found = new Map<KnownService, Destination>();
      for (const [service, rules] of ofServices) {
        const destination = memo.get(rules[0]!.metadata, rules, () => mergeDestinationRules(rules));
        found.set(service, destination);
        for (const finding of destination.findings) findings.push(finding);
      }
      destinations.set(namespace, found);
    }
    memo.sweep();
    const of = (service: KnownService, waypointNamespace: string): Destination | undefined =>
      destinations.get(waypointNamespace)?.get(service) ??
      destinations.get(service.name.namespace)?.get(service) ??
      destinations.get(options.rootNamespace)?.get(service);
    return { of, findings };
  });
}

function missingHost(rule: DestinationRule): Finding {
  return {
    code: 'PTL1202',
    level: 'warning',
    resource: refOf(rule),
    path: 'spec.host',
    message: `DestinationRule ${rule.metadata.name}: host "${rule.spec.host}" is not a Service`,
    expected: 'the name of a Service of the same namespace, or <name>.<namespace>.svc.<cluster domain>',
    came: rule.spec.host,
    effect: 'the rule has no effect',
    next: 'correct the host',
  };
}
