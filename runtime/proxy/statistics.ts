import type { MessageInitShape } from '@bufbuild/protobuf';
import type { StatsMatcherSchema } from '#gen/envoy/config/metrics/v3/stats_pb.ts';

/** `service` keeps Envoy's own counters of every service; `proxy` has those of the proxy as a whole. */
export type Statistics = 'proxy' | 'service';

/**
 * Clusters, listeners, route tables and discovered filters of single services: some 300 statistics a service, which
 * cost more than half of its memory and of Envoy's time to start, and of which dashboards for waypoints use none; the
 * metrics filter counts requests by service with Istio's labels. By prefix, so that Envoy drops a scope as a whole.
 */
const OF_SERVICES: readonly string[] = [
  'cluster.inbound-vip',
  'cluster.outbound',
  // Bridge clusters are named by address.
  ...Array.from({ length: 10 }, (_, digit) => `cluster.${digit}`),
  'cluster.[',
  'vhost.',
  'listener.envoy_internal',
  'http.inbound.rds.',
  'extension_config_discovery.',
];

/** Which statistics there are; undefined for all. */
export const statsMatcher = (statistics: Statistics): MessageInitShape<typeof StatsMatcherSchema> | undefined =>
  statistics === 'service'
    ? undefined
    : {
        statsMatcher: {
          case: 'exclusionList',
          value: { patterns: OF_SERVICES.map((value) => ({ matchPattern: { case: 'prefix', value } })) },
        },
      };
