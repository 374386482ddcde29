import { create, toBinary } from '@bufbuild/protobuf';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.ts';
import {
  RouteAction_ClusterNotFoundResponseCode,
  RouteSchema,
  VirtualHostSchema,
} from '#gen/envoy/config/route/v3/route_components_pb.ts';
import { FilterStateInputSchema } from '#gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb.ts';
import { MatcherSchema } from '#gen/xds/type/matcher/v3/matcher_pb.ts';
import type { Workload } from '#model/waypoint.ts';
import { any } from './any.ts';
import { composed, NONE } from './encode.ts';
import { authority, DESTINATION_ADDRESS, POD_KEY, SUBSET_METADATA, WORKLOADS, WORKLOAD_ORIGINATE } from './names.ts';
import { ROUTES, type XdsResource } from './resource.ts';
import { SAFE_RETRY, VIRTUAL_HOST } from './route.ts';
import { enclose, hole, template, write } from './template.ts';

/**
 * Traffic to a pod goes where it was going; there is no choice to make. What the route chooses is which of the cluster's
 * endpoints stands for the pod, so that whoever looks at the chosen endpoint (metrics do) learns who the pod is. One
 * lookup in a trie by the pod's address with a colon behind it, because a pod is reached by any of its ports. Were a
 * pod not in it, any endpoint would do: they all lead to the same listener, which goes by the address alone.
 */
export function workloadRoutes(workloads: readonly Workload[]): XdsResource {
  return composed(ROUTES, WORKLOADS, (slab) => {
    slab.partEnds();
    slab.partEnds();
    for (const { address } of workloads.toReversed()) write(slab, TO_POD, [authority(address, ''), address]);
    slab.raw(TREE);
    enclose(slab, VirtualHostSchema.field.matcher);
    slab.raw(VIRTUAL_HOST);
    enclose(slab, RouteConfigurationSchema.field.virtualHosts);
    slab.raw(NAME);
  });
}

const NAME = toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { name: WORKLOADS }));

/** A whole route, which a matcher gives as its action. */
const route = (pod: string | undefined) =>
  any(RouteSchema, {
    name: 'default',
    match: { pathSpecifier: { case: 'prefix', value: '/' } },
    action: {
      case: 'route',
      value: {
        clusterSpecifier: { case: 'cluster', value: WORKLOAD_ORIGINATE },
        clusterNotFoundResponseCode: RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR,
        timeout: NONE,
        maxStreamDuration: { maxStreamDuration: NONE, grpcTimeoutHeaderMax: NONE },
        retryPolicy: SAFE_RETRY,
        ...(pod === undefined ? {} : { metadataMatch: { filterMetadata: { [SUBSET_METADATA]: { [POD_KEY]: pod } } } }),
      },
    },
  });

const goTo = (pod: string | undefined) => ({
  onMatch: { case: 'action' as const, value: { name: 'route', typedConfig: route(pod) } },
});

const TREE = toBinary(
  MatcherSchema,
  create(MatcherSchema, {
    matcherType: {
      case: 'matcherTree',
      value: {
        input: {
          name: 'envoy.matching.inputs.filter_state',
          typedConfig: any(FilterStateInputSchema, { key: DESTINATION_ADDRESS }),
        },
        treeType: { case: 'prefixMatchMap', value: {} },
      },
    },
    onNoMatch: goTo(undefined),
  }),
);

/** One entry of the tree; several, one after the other, are read as one. */
const TO_POD = template(MatcherSchema, {
  matcherType: {
    case: 'matcherTree',
    value: { treeType: { case: 'prefixMatchMap', value: { map: { [hole(0)]: goTo(hole(1)) } } } },
  },
});
