import type { Backend, Endpoint } from '#model/backend.ts';
import type { Workload } from '#model/waypoint.ts';
import { ClusterLoadAssignmentSchema } from '#gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { LbEndpointSchema, LocalityLbEndpointsSchema } from '#gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
import { composed } from './encode.ts';
import {
  authority,
  CONNECT_ORIGINATE,
  ENDPOINT_METADATA,
  ORIGINAL_DST,
  POD_KEY,
  SUBSET_METADATA,
  WORKLOAD_ORIGINATE,
} from './names.ts';
import { ENDPOINTS, type XdsResource } from './resource.ts';
import type { Slab } from './slab.ts';
import { enclose, hole, template, type Template, write } from './template.ts';

/**
 * Istio's form of a workload in endpoint metadata (name, namespace, canonical name, revision and cluster), and behind
 * it the identity, which metrics report as destination_principal.
 */
function workloadMetadata({ workload, identity }: Pick<Endpoint, 'workload' | 'identity'>): string {
  const { name, namespace, app, version } = workload;
  return `${part(name)};${part(namespace)};${part(app)};${part(version)};Kubernetes;${part(identity)}`;
}

const part = (text: string): string => (text.includes(';') ? text.replaceAll(';', '_') : text);

const NAME = template(ClusterLoadAssignmentSchema, { clusterName: hole(0) });

/** The endpoints of one backend, for EDS. */
export function loadAssignment(backend: Backend): XdsResource {
  const { name, endpoints } = backend;
  return composed(ENDPOINTS, name, (slab) => {
    slab.partEnds();
    for (let index = endpoints.length - 1; index >= 0; index--) {
      slab.partEnds();
      lbEndpoint(slab, endpoints[index]!);
      enclose(slab, LocalityLbEndpointsSchema.field.lbEndpoints);
    }
    enclose(slab, ClusterLoadAssignmentSchema.field.endpoints);
    write(slab, NAME, [name]);
  });
}

function lbEndpoint(slab: Slab, endpoint: Endpoint): void {
  const { tunnel, port, weight } = endpoint;
  const workload = workloadMetadata(endpoint);
  // Port and weight are numbers, which a template cannot leave open; there are few different ones.
  if (tunnel === 'hbone') {
    let known = tunnels.get(weight);
    if (known === undefined) tunnels.set(weight, (known = throughTunnel(weight)));
    write(slab, known, [authority(endpoint.address, port), workload, endpoint.identity]);
    return;
  }
  const shape = `${weight} ${port}`;
  let known = plains.get(shape);
  if (known === undefined) plains.set(shape, (known = plain(port, weight)));
  write(slab, known, [endpoint.address, workload]);
}

const tunnels = new Map<number, Template>();
const plains = new Map<string, Template>();

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
  return composed(ENDPOINTS, WORKLOAD_ORIGINATE, (slab) => {
    slab.partEnds();
    for (const { address, labels: workload, identity } of workloads.toReversed()) {
      slab.partEnds();
      write(slab, POD, [address, workloadMetadata({ workload, identity })]);
      enclose(slab, LocalityLbEndpointsSchema.field.lbEndpoints);
    }
    enclose(slab, ClusterLoadAssignmentSchema.field.endpoints);
    write(slab, NAME, [WORKLOAD_ORIGINATE]);
  });
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
