import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Workload } from '#model/waypoint.ts';
import { ListenerSchema } from '#gen/envoy/config/listener/v3/listener_pb.ts';
import { FilterSchema, type Filter } from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import { FilterStateValue_SharedWithUpstream } from '#gen/envoy/extensions/filters/common/set_filter_state/v3/value_pb.ts';
import { ConfigSchema as SetFilterStateSchema } from '#gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts';
import { TcpProxySchema } from '#gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
import { BUFFER_LIMIT } from './cluster.ts';
import { any } from './any.ts';
import { duration, encode } from './encode.ts';
import { ORIGINAL_DST_FILTER, tcpProxy } from './listener.ts';
import {
  CONNECT_ORIGINATE,
  DESTINATION_ADDRESS,
  ENDPOINT_METADATA,
  EXPECTED_IDENTITY,
  WORKLOAD_ORIGINATE,
  WORKLOAD_PLAIN,
} from './names.ts';
import type { XdsResource } from './resource.ts';

/** Sets filter state of a connection when it begins. */
function setConnectionState(key: string, format: string, shared: boolean): Filter {
  return create(FilterSchema, {
    name: 'envoy.filters.network.set_filter_state',
    configType: {
      case: 'typedConfig',
      value: any(SetFilterStateSchema, {
        onNewConnection: [
          {
            key: { case: 'objectKey', value: key },
            value: {
              case: 'formatString',
              value: {
                format: { case: 'textFormatSource', value: { specifier: { case: 'inlineString', value: format } } },
              },
            },
            sharedWithUpstream: shared
              ? FilterStateValue_SharedWithUpstream.ONCE
              : FilterStateValue_SharedWithUpstream.NONE,
          },
        ],
      }),
    },
  });
}

/** Network filters that open a tunnel to the connection's own destination, whose identity is already in filter state. */
const tunnel = (): Filter =>
  create(FilterSchema, {
    name: 'envoy.filters.network.tcp_proxy',
    configType: {
      case: 'typedConfig',
      value: any(TcpProxySchema, {
        statPrefix: CONNECT_ORIGINATE,
        clusterSpecifier: { case: 'cluster', value: CONNECT_ORIGINATE },
        tunnelingConfig: { hostname: '%DOWNSTREAM_LOCAL_ADDRESS%' },
        idleTimeout: duration(0),
      }),
    },
  });

const listenerOf = (name: string, rest: MessageInitShape<typeof ListenerSchema>): XdsResource =>
  encode(
    name,
    ListenerSchema,
    create(ListenerSchema, {
      name,
      listenerSpecifier: { case: 'internalListener', value: {} },
      perConnectionBufferLimitBytes: BUFFER_LIMIT,
      listenerFilters: [ORIGINAL_DST_FILTER],
      ...rest,
    }),
  );

/**
 * Where a chosen endpoint's tunnel begins. Its expected identity arrives as endpoint metadata and becomes the list of
 * names that upstream TLS accepts, so a single cluster verifies every endpoint against its own service account.
 */
export function connectOriginateListener(): XdsResource {
  const identity = setConnectionState(EXPECTED_IDENTITY, `%DYNAMIC_METADATA(${ENDPOINT_METADATA}:identity)%`, false);
  return listenerOf(CONNECT_ORIGINATE, { filterChains: [{ name: 'tunnel', filters: [identity, tunnel()] }] });
}

/** The same for traffic that is addressed to pods: no endpoint was chosen, so the pod's address says who it must be. */
export function workloadOriginateListener(workloads: readonly Workload[]): XdsResource {
  const byIdentity = new Map<string, string[]>();
  for (const workload of workloads) {
    const chain = workload.tunnel === 'hbone' ? workload.identity : WORKLOAD_PLAIN;
    byIdentity.set(chain, [...(byIdentity.get(chain) ?? []), workload.address]);
  }
  const chains = [...byIdentity].sort(([a], [b]) => (a < b ? -1 : 1));
  return listenerOf(WORKLOAD_ORIGINATE, {
    filterChains: chains.map(([chain, addresses]) => ({
      name: chain,
      filterChainMatch: toAny(addresses),
      filters: originateFilters(chain),
    })),
  });
}

const toAny = (addresses: readonly string[]) => ({
  prefixRanges: addresses.map((addressPrefix) => ({
    addressPrefix,
    prefixLen: addressPrefix.includes(':') ? 128 : 32,
  })),
});

const originateFilters = (chain: string): Filter[] =>
  chain === WORKLOAD_PLAIN
    ? [tcpProxy(WORKLOAD_PLAIN, WORKLOAD_PLAIN)]
    : [setConnectionState(EXPECTED_IDENTITY, chain, false), tunnel()];

/** `ONCE` lasts one hop: the pod's address must be set anew for the hop that follows. */
export const keepDestination = (): Filter =>
  setConnectionState(DESTINATION_ADDRESS, `%FILTER_STATE(${DESTINATION_ADDRESS}:PLAIN)%`, true);
