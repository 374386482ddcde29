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
import { tunnelProgram } from './tunnel-authz.ts';
import { workloadListener } from './workload.ts';

type Group = readonly XdsResource[];

/**
 * Turns the versions of a waypoint, one after the other, into Envoy configuration. The closure holds nothing but what
 * it made before: a port that is the same object (`===`) is not encoded again, and a type of which nothing changed is
 * the same map.
 */
export function createEmitter(options: EmitOptions): (waypoint: Waypoint) => XdsSnapshot {
  const listener = serviceListeners(options);
  const ofPort = memo((port: ServicePort) => portResources(port, options, listener));
  const ofBackend = memo(backendResources);
  const ofWaypoint = lastOf((waypoint: Waypoint) => waypointResources(waypoint, options), sameSurroundings);
  let last: { readonly groups: readonly Group[]; readonly snapshot: XdsSnapshot } | undefined;
  return (waypoint) => {
    const groups = [ofWaypoint(waypoint), ...waypoint.ports.map(ofPort), ...waypoint.backends.map(ofBackend)];
    const snapshot = (last && changed(last.snapshot, last.groups, groups)) ?? assembled(groups);
    last = { groups, snapshot };
    return snapshot;
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

/** The result for the last input, as long as inputs are alike. */
function lastOf<K, V>(compute: (key: K) => V, alike: (a: K, b: K) => boolean): (key: K) => V {
  let last: { readonly key: K; readonly value: V } | undefined;
  return (key) => {
    if (last === undefined || !alike(last.key, key)) last = { key, value: compute(key) };
    return last.value;
  };
}

/** Nothing differs of what is not of a single port or backend. */
const sameSurroundings = (a: Waypoint, b: Waypoint): boolean =>
  a.workloads === b.workloads &&
  a.workloadAuthz === b.workloadAuthz &&
  a.tunnelAuthz === b.tunnelAuthz &&
  a.trustDomain === b.trustDomain;

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
  if (waypoint.tunnelAuthz !== undefined) resources.push(tunnelProgram(waypoint.tunnelAuthz, options));
  if (addresses.length > 0) {
    resources.push(
      ...workloadClusters(),
      workloadOriginateListener(waypoint.workloads),
      ...workloadListener(waypoint, options),
    );
  }
  return resources;
}

function assembled(groups: readonly Group[]): XdsSnapshot {
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

/** More changed groups than this are assembled anew, which costs about the same. */
const FEW = 64;

/** The snapshot with the groups that differ exchanged; undefined where it is not a matter of a few. */
function changed(before: XdsSnapshot, old: readonly Group[], groups: readonly Group[]): XdsSnapshot | undefined {
  if (old.length !== groups.length) return undefined;
  const differing = groups.flatMap((group, index) => (group === old[index] ? [] : [index]));
  if (differing.length === 0) return before;
  if (differing.length > FEW) return undefined;
  const types = new Map(before);
  const copies = new Map<string, Map<string, XdsResource>>();
  const ofType = (typeUrl: string): Map<string, XdsResource> => {
    let copy = copies.get(typeUrl);
    if (copy === undefined) {
      copies.set(typeUrl, (copy = new Map(types.get(typeUrl))));
      types.set(typeUrl, copy);
    }
    return copy;
  };
  // All removals first: a name may move from one group to another.
  const kept = (resource: XdsResource, group: Group | undefined): boolean =>
    group?.some(
      ({ typeUrl, name, version }) =>
        typeUrl === resource.typeUrl && name === resource.name && version === resource.version,
    ) ?? false;
  for (const index of differing) {
    for (const resource of old[index] ?? [])
      if (!kept(resource, groups[index])) ofType(resource.typeUrl).delete(resource.name);
  }
  for (const index of differing) {
    for (const resource of groups[index] ?? []) {
      if (!kept(resource, old[index])) ofType(resource.typeUrl).set(resource.name, resource);
    }
  }
  return types;
}
