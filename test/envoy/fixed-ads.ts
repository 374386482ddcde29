import { createServer } from 'node:http2';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { AggregatedDiscoveryService } from '#gen/envoy/service/discovery/v3/ads_pb.ts';
import { DeltaDiscoveryResponseSchema, type ResourceSchema } from '#gen/envoy/service/discovery/v3/discovery_pb.ts';
import type { XdsResource } from '#envoy/resource.ts';

/** An ADS server that answers each type once with resources that never change: enough for an Envoy to become LIVE. */
export interface FixedAds {
  /** What Envoy refused. */
  readonly nacks: string[];
  close(): Promise<void>;
}

export async function serveFixedAds(socket: string, resources: readonly XdsResource[] = []): Promise<FixedAds> {
  const nacks: string[] = [];
  const handler = connectNodeAdapter({
    routes: (router) =>
      router.service(AggregatedDiscoveryService, {
        async *deltaAggregatedResources(requests) {
          let nonce = 0;
          for await (const { typeUrl, responseNonce, errorDetail, resourceNamesSubscribe } of requests) {
            if (errorDetail) nacks.push(errorDetail.message);
            if (responseNonce !== '' && resourceNamesSubscribe.length === 0) continue;
            const wanted = resources.filter(
              (one) =>
                one.typeUrl === typeUrl &&
                (resourceNamesSubscribe.length === 0 || resourceNamesSubscribe.includes(one.name)),
            );
            yield create(DeltaDiscoveryResponseSchema, {
              typeUrl,
              nonce: String(++nonce),
              resources: wanted.map(({ name, version, value }): MessageInitShape<typeof ResourceSchema> => ({
                name,
                version,
                resource: { typeUrl, value },
              })),
            });
          }
        },
      }),
  });
  const sessions = new Set<{ destroy(): void }>();
  const server = createServer(handler).on('session', (session) => sessions.add(session));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    nacks,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sessions.forEach((session) => session.destroy());
      }),
  };
}
