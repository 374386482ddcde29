import { create, type JsonObject } from '@bufbuild/protobuf';
import type { Backend, Endpoint, WorkloadLabels } from '#model/backend.ts';
import { ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { LbEndpointSchema, type LbEndpoint } from '#gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import { encode } from './encode.ts';
import { authority, CONNECT_ORIGINATE, ENDPOINT_METADATA, ORIGINAL_DST } from './names.ts';
import type { XdsResource } from './resource.ts';

/** Istio's form of a workload in endpoint metadata: name, namespace, canonical name, revision and cluster. */
export const workloadMetadata = (labels: WorkloadLabels): string =>
  [labels.name, labels.namespace, labels.app, labels.version, 'Kubernetes']
    .map((part) => part.replaceAll(';', '_'))
    .join(';');

/** The endpoints of one backend, for EDS. */
export function loadAssignment(backend: Backend): XdsResource {
  const lbEndpoints = backend.endpoints.map(lbEndpoint);
  const message = create(ClusterLoadAssignmentSchema, { clusterName: backend.name, endpoints: [{ lbEndpoints }] });
  return encode(backend.name, ClusterLoadAssignmentSchema, message);
}

function lbEndpoint(endpoint: Endpoint): LbEndpoint {
  const target = authority(endpoint.address, endpoint.port);
  const istio: JsonObject = { workload: workloadMetadata(endpoint.workload) };
  const hbone = endpoint.tunnel === 'hbone';
  return create(LbEndpointSchema, {
    hostIdentifier: { case: 'endpoint', value: { address: hbone ? throughTunnel(target) : plain(endpoint) } },
    metadata: {
      filterMetadata: hbone
        ? { istio, [ORIGINAL_DST]: { local: target }, [ENDPOINT_METADATA]: { identity: endpoint.identity } }
        : { istio },
    },
    loadBalancingWeight: endpoint.weight,
  });
}

/** `endpointId` keeps Envoy from taking all endpoints of the one internal listener for the same. */
const throughTunnel = (target: string) => ({
  address: {
    case: 'envoyInternalAddress' as const,
    value: {
      addressNameSpecifier: { case: 'serverListenerName' as const, value: CONNECT_ORIGINATE },
      endpointId: target,
    },
  },
});

const plain = (endpoint: Endpoint) => ({
  address: {
    case: 'socketAddress' as const,
    value: { address: endpoint.address, portSpecifier: { case: 'portValue' as const, value: endpoint.port } },
  },
});
