import { create } from '@bufbuild/protobuf';
import { ApiVersion, ConfigSourceSchema, type ConfigSource } from '#gen/envoy/config/core/v3/config_source_pb.ts';

/** Everything that is discovered comes over the one aggregated stream. */
export const ads = (): ConfigSource => ADS;

const ADS = create(ConfigSourceSchema, {
  configSourceSpecifier: { case: 'ads', value: {} },
  resourceApiVersion: ApiVersion.V3,
});
