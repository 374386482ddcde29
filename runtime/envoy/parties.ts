import { create } from '@bufbuild/protobuf';
import type { ServicePort } from '#model/waypoint.ts';
import { FilterSchema, type Filter } from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import { FilterStateValue_SharedWithUpstream } from '#gen/envoy/extensions/filters/common/set_filter_state/v3/value_pb.ts';
import { ConfigSchema as SetFilterStateSchema } from '#gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.ts';
import { any } from './any.ts';
import { PARTIES, PEER_PRINCIPAL, SOURCE_BAGGAGE } from './names.ts';

/** The service's line, as a format of Envoy reads it. */
export const serviceLine = ({ host, name, namespace }: ServicePort['service']): string =>
  `${host};${name};${namespace}`.replaceAll('%', '%%');

/**
 * Tells the metrics filter who calls whom, once a connection and in one value (filters/abi/metrics.ts): three values
 * would cost every request three times as much. The identity comes last, for nothing keeps a line feed out of it. What
 * is decided by identity reads the identity alone.
 */
export const setParties = (service: string): Filter =>
  create(FilterSchema, {
    name: 'envoy.filters.network.set_filter_state',
    configType: {
      case: 'typedConfig',
      value: any(SetFilterStateSchema, {
        onNewConnection: [
          {
            key: { case: 'objectKey', value: PARTIES },
            factoryKey: 'envoy.hashable_string',
            value: {
              case: 'formatString',
              value: {
                format: {
                  case: 'textFormatSource',
                  value: {
                    specifier: {
                      case: 'inlineString',
                      value: `${service}\n%FILTER_STATE(${SOURCE_BAGGAGE}:PLAIN)%\n%FILTER_STATE(${PEER_PRINCIPAL}:PLAIN)%`,
                    },
                  },
                },
                omitEmptyValues: true,
              },
            },
            sharedWithUpstream: FilterStateValue_SharedWithUpstream.NONE,
          },
        ],
      }),
    },
  });
