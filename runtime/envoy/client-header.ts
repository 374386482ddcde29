import { create } from '@bufbuild/protobuf';
import { TypedExtensionConfigSchema, type TypedExtensionConfig } from '#gen/envoy/config/core/v3/extension_pb.ts';
import { HeaderMutationSchema } from '#gen/envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation_pb.ts';
import { any } from './any.ts';

/**
 * Takes `x-envoy-…` headers of callers away before anything reads them. Envoy itself removes those that it knows to
 * steer something; of the others (attempt counts, original destinations, what a later release invents) an application
 * might believe that Envoy wrote them.
 */
export const WITHOUT_CLIENT_ENVOY_HEADERS: TypedExtensionConfig = create(TypedExtensionConfigSchema, {
  name: 'envoy.http.early_header_mutation.header_mutation',
  typedConfig: any(HeaderMutationSchema, {
    mutations: [
      {
        action: {
          case: 'removeOnMatch',
          value: { keyMatcher: { matchPattern: { case: 'prefix', value: 'x-envoy-' } } },
        },
      },
    ],
  }),
});
