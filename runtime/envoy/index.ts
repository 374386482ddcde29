import type { Backend } from '#model/backend.ts';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { compilePrograms } from '#policy/index.ts';
import { backendCluster, bridge, connectOriginate, workloadClusters } from './cluster.ts';
import { connectRoutes } from './connect.ts';
import { loadAssignment } from './endpoint.ts';
import { httpFeatures } from './filter.ts';
import { connectTerminate, serviceListeners } from './listener.ts';
import { authority, filterName, portName, tcpFilterName } from './names.ts';
import type { EmitOptions } from './options.ts';
import { connectOriginateListener, workloadOriginateListener } from './originate.ts';
import { httpProgram, tcpProgram } from './program.ts';
import type { XdsResource, XdsSnapshot } from './resource.ts';
import { routeConfiguration } from './route.ts';
import { workloadListener } from './workload.ts';

/**
 * Turns waypoints into Envoy configuration. The closure holds nothing but the resources of ports and backends that it
 * has met: a port that is the same object as before (`===`) is not encoded again.
 */
export function createEmitter(options: EmitOptions): (waypoint: Waypoint) => XdsSnapshot {
  const listener = serviceListeners(options);
  const ofPort = memo((port: ServicePort) => portResources(port, options, listener));
  const ofBackend = memo(backendResources);
  return (waypoint) => {
    const groups = [
      waypointResources(waypoint, options),
      ...waypoint.ports.map(ofPort),
      ...waypoint.backends.map(ofBackend),
    ];
    return snapshot(groups);
  };
}

/** One waypoint, once. */
export const emitWaypoint = (waypoint: Waypoint, options: EmitOptions): XdsSnapshot => createEmitter(options)(waypoint);

function memo<K extends object, V>(compute: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) known.set(key, (value = compute(key)));
    return value;
  };
}

/** Everything of one service port, and of nothing else: what changes together is sent together. */
function portResources(
  port: ServicePort,
  options: EmitOptions,
  listener: (port: ServicePort) => XdsResource,
): readonly XdsResource[] {
  const name = portName(port);
  const programs = compilePrograms(port);
  const resources = [...port.addresses.map((address) => bridge(authority(address, port.port), name)), listener(port)];
  if (port.protocol !== 'tcp') {
    resources.push(routeConfiguration(name, port.routes));
    for (const feature of httpFeatures(options.without)) {
      resources.push(httpProgram(filterName(feature, name), feature, options.modules[feature], programs[feature]));
    }
  }
  if (port.protocol === 'tcp' || port.protocol === 'detect') {
    resources.push(tcpProgram(tcpFilterName(name), options.modules.authz, programs.authzTcp));
  }
  return resources;
}

const backendResources = (backend: Backend): readonly XdsResource[] => [
  backendCluster(backend),
  loadAssignment(backend),
];

function waypointResources(waypoint: Waypoint, options: EmitOptions): readonly XdsResource[] {
  const addresses = waypoint.workloads.map((workload) => workload.address);
  const resources = [
    connectTerminate(waypoint, options),
    connectRoutes(addresses),
    connectOriginate(waypoint.trustDomain),
    connectOriginateListener(),
  ];
  if (addresses.length > 0) {
    resources.push(
      ...workloadClusters(),
      workloadOriginateListener(waypoint.workloads),
      ...workloadListener(waypoint, options),
    );
  }
  return resources;
}

function snapshot(groups: readonly (readonly XdsResource[])[]): XdsSnapshot {
  const types = new Map<string, Map<string, XdsResource>>();
  for (const group of groups) {
    for (const resource of group) {
      let ofType = types.get(resource.typeUrl);
      if (ofType === undefined) types.set(resource.typeUrl, (ofType = new Map()));
      ofType.set(resource.name, resource);
    }
  }
  return types;
}
