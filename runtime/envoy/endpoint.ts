import type { Backend, Endpoint } from '#model/backend.ts';
import type { Workload } from '#model/waypoint.ts';
import { ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { LbEndpointSchema, LocalityLbEndpointsSchema } from '#gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import { encoded } from './encode.ts';
import {
  authority,
  CONNECT_ORIGINATE,
  ENDPOINT_METADATA,
  ORIGINAL_DST,
  POD_KEY,
  SUBSET_METADATA,
  WORKLOAD_ORIGINATE,
} from './names.ts';
import type { XdsResource } from './resource.ts';
import { field, hole, template, type Template } from './template.ts';

/**
 * Istio's form of a workload in endpoint metadata (name, namespace, canonical name, revision and cluster), and behind
 * it the identity, which metrics report as destination_principal.
 */
function workloadMetadata({ workload, identity }: Pick<Endpoint, 'workload' | 'identity'>): string {
  const { name, namespace, app, version } = workload;
  return [name, namespace, app, version, 'Kubernetes', identity].map((part) => part.replaceAll(';', '_')).join(';');
}

const NAME = template(ClusterLoadAssignmentSchema, { clusterName: hole(0) });

/** The endpoints of one backend, for EDS. */
export function loadAssignment(backend: Backend): XdsResource {
  const endpoints = backend.endpoints.map((endpoint) =>
    field(LocalityLbEndpointsSchema.field.lbEndpoints, lbEndpoint(endpoint)),
  );
  const value = Buffer.concat([NAME(backend.name), field(ClusterLoadAssignmentSchema.field.endpoints, ...endpoints)]);
  return encoded(backend.name, ClusterLoadAssignmentSchema, value);
}

function lbEndpoint(endpoint: Endpoint): Uint8Array {
  const { tunnel, port, weight } = endpoint;
  // Port and weight are numbers, which a template cannot leave open; there are few different ones.
  const shape = tunnel === 'hbone' ? `${tunnel} ${weight}` : `${tunnel} ${weight} ${port}`;
  let make = shapes.get(shape);
  if (make === undefined) shapes.set(shape, (make = tunnel === 'hbone' ? throughTunnel(weight) : plain(port, weight)));
  const workload = workloadMetadata(endpoint);
  return tunnel === 'hbone'
    ? make(authority(endpoint.address, port), workload, endpoint.identity)
    : make(endpoint.address, workload);
}

const shapes = new Map<string, Template>();

/** `endpointId` keeps Envoy from taking all endpoints of the one internal listener for the same. */
const throughTunnel = (weight: number): Template =>
  template(LbEndpointSchema, {
    hostIdentifier: {
      case: 'endpoint',
      value: {
        address: {
          address: {
            case: 'envoyInternalAddress',
            value: {
              addressNameSpecifier: { case: 'serverListenerName', value: CONNECT_ORIGINATE },
              endpointId: hole(0),
            },
          },
        },
      },
    },
    metadata: {
      filterMetadata: {
        istio: { workload: hole(1) },
        [ORIGINAL_DST]: { local: hole(0) },
        [ENDPOINT_METADATA]: { identity: hole(2) },
      },
    },
    loadBalancingWeight: weight,
  });

const plain = (portValue: number, weight: number): Template =>
  template(LbEndpointSchema, {
    hostIdentifier: {
      case: 'endpoint',
      value: {
        address: {
          address: {
            case: 'socketAddress',
            value: { address: hole(0), portSpecifier: { case: 'portValue', value: portValue } },
          },
        },
      },
    },
    metadata: { filterMetadata: { istio: { workload: hole(1) } } },
    loadBalancingWeight: weight,
  });

/** The pods that are reached by their own addresses: one endpoint each, all of them the listener that goes on to pods. */
export function workloadAssignment(workloads: readonly Workload[]): XdsResource {
  const endpoints = workloads.map(({ address, labels: workload, identity }) =>
    field(LocalityLbEndpointsSchema.field.lbEndpoints, POD(address, workloadMetadata({ workload, identity }))),
  );
  const all = field(ClusterLoadAssignmentSchema.field.endpoints, ...endpoints);
  return encoded(WORKLOAD_ORIGINATE, ClusterLoadAssignmentSchema, Buffer.concat([NAME(WORKLOAD_ORIGINATE), all]));
}

const POD = template(LbEndpointSchema, {
  hostIdentifier: {
    case: 'endpoint',
    value: {
      address: {
        address: {
          case: 'envoyInternalAddress',
          value: {
            addressNameSpecifier: { case: 'serverListenerName', value: WORKLOAD_ORIGINATE },
            endpointId: hole(0),
          },
        },
      },
    },
  },
  metadata: { filterMetadata: { istio: { workload: hole(1) }, [SUBSET_METADATA]: { [POD_KEY]: hole(0) } } },
});
