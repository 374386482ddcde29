import type { MessageInitShape } from '@bufbuild/protobuf';
import { durationFromMs, type Any } from '@bufbuild/protobuf/wkt';
import type { OverloadManagerSchema } from '#gen/envoy/config/overload/v3/overload_pb.ts';
import type { WatchdogsSchema } from '#gen/envoy/config/bootstrap/v3/bootstrap_pb.ts';
import { DownstreamConnectionsConfigSchema } from '#gen/envoy/extensions/resource_monitors/downstream_connections/v3/downstream_connections_pb.ts';
import { FixedHeapConfigSchema } from '#gen/envoy/extensions/resource_monitors/fixed_heap/v3/fixed_heap_pb.ts';
import { MAX_PROGRAM_SIZE } from '#model/regular-expression.ts';
import { any } from './any.ts';

/** Counts connections of outer listeners; those of internal listeners and of the admin socket are not counted. */
const MAX_DOWNSTREAM_CONNECTIONS = 20_000;

const HEAP = 'envoy.resource_monitors.fixed_heap';
const CONNECTIONS = 'envoy.resource_monitors.global_downstream_max_connections';

/**
 * What Envoy does when it runs short. The thresholds are lower than Envoy's guidance for edges, because the heaps of V8
 * lie beside the heap that is measured.
 */
export function overload(maxHeapBytes: number): MessageInitShape<typeof OverloadManagerSchema> {
  const above = (value: number) => ({
    name: HEAP,
    triggerOneof: { case: 'threshold' as const, value: { value } },
  });
  const between = (scalingThreshold: number, saturationThreshold: number) => ({
    name: HEAP,
    triggerOneof: { case: 'scaled' as const, value: { scalingThreshold, saturationThreshold } },
  });
  return {
    refreshInterval: durationFromMs(250),
    resourceMonitors: [
      monitor(HEAP, any(FixedHeapConfigSchema, { maxHeapSizeBytes: BigInt(maxHeapBytes) })),
      monitor(
        CONNECTIONS,
        any(DownstreamConnectionsConfigSchema, { maxActiveDownstreamConnections: BigInt(MAX_DOWNSTREAM_CONNECTIONS) }),
      ),
    ],
    actions: [
      { name: 'envoy.overload_actions.shrink_heap', triggers: [above(0.9)] },
      { name: 'envoy.overload_actions.disable_http_keepalive', triggers: [above(0.92)] },
      { name: 'envoy.overload_actions.reset_high_memory_stream', triggers: [between(0.9, 0.98)] },
      { name: 'envoy.overload_actions.stop_accepting_requests', triggers: [above(0.95)] },
    ],
    loadshedPoints: [{ name: 'envoy.load_shed_points.tcp_listener_accept', triggers: [above(0.95)] }],
    // 2^20: streams that buffer less than a mebibyte are not looked at one by one.
    bufferFactoryConfig: { minimumAccountToTrackPowerOfTwo: 20 },
  };
}

const monitor = (name: string, value: Any) => ({ name, configType: { case: 'typedConfig' as const, value } });

/** A worker that hangs is seen after a second and ends Envoy after thirty: a filter in an endless loop has no other end. */
export function watchdogs(): MessageInitShape<typeof WatchdogsSchema> {
  const watchdog = {
    missTimeout: durationFromMs(1_000),
    megamissTimeout: durationFromMs(5_000),
    killTimeout: durationFromMs(30_000),
  };
  return { mainThreadWatchdog: watchdog, workerWatchdog: watchdog };
}

/**
 * Runtime keys. A connection of which 500 requests were reset within a second of their start is closed (rapid reset);
 * a regular expression that is larger than what the runtime lets through is refused.
 */
export const RUNTIME_LIMITS = {
  'overload.premature_reset_total_stream_count': 500,
  'overload.premature_reset_min_stream_lifetime_seconds': 1,
  're2.max_program_size.error_level': MAX_PROGRAM_SIZE,
} as const;
