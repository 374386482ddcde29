import type { Finding } from '#model/finding.ts';
import type { DestinationRule } from '#resources/destination-rule.ts';
import { refOf } from './condition.ts';
import { type Destination, mergeDestinationRules } from './destination-rule.ts';
import { resolveHost } from './host.ts';
import { push } from './inventory.ts';
import { Memo, step } from './memo.ts';
import type { TranslateOptions } from './options.ts';
import { byAge } from './route-order.ts';
import type { Services } from './services.ts';

export interface Destinations {
  /**
   * What DestinationRules say of a service to a waypoint: those of the waypoint's namespace, else of the service's,
   * else of the root namespace. They are not mixed.
   */
  of(service: string, waypointNamespace: string): Destination | undefined;
  readonly findings: readonly Finding[];
}

/** Makes the step that finds DestinationRules by the service they are about. */
export function createDestinations(
  options: TranslateOptions,
): (all: readonly DestinationRule[], services: Services) => Destinations {
  const memo = new Memo<Destination>();
  return step((all, services) => {
    const groups = new Map<string, DestinationRule[]>();
    const findings: Finding[] = [];
    for (const rule of all.toSorted(byAge)) {
      const { namespace } = rule.metadata;
      const service = resolveHost(rule.spec.host, namespace, options.clusterDomain);
      if (service === undefined || services.get(service.namespace, service.name) === undefined) {
        findings.push(missingHost(rule));
        continue;
      }
      push(groups, `${namespace} ${service.namespace}/${service.name}`, rule);
    }
    const destinations = new Map<string, Destination>();
    for (const [key, rules] of groups) {
      const destination = memo.get(key, rules, () => mergeDestinationRules(rules));
      destinations.set(key, destination);
      findings.push(...destination.findings);
    }
    memo.sweep();
    const of = (service: string, waypointNamespace: string): Destination | undefined =>
      destinations.get(`${waypointNamespace} ${service}`) ??
      destinations.get(`${service.slice(0, service.indexOf('/'))} ${service}`) ??
      destinations.get(`${options.rootNamespace} ${service}`);
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
