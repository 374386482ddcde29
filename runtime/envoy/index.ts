import type { AuthzProvider } from '#model/authz-provider.ts';
import type { Backend } from '#model/backend.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import type { ServicePort, Waypoint } from '#model/waypoint.ts';
import { compilePrograms } from '#policy/index.ts';
import { authnProgram, provenRoutes, reroutes } from './authn.ts';
import { backendCluster, bridge, connectOriginate, outsideCluster, workloadClusters } from './cluster.ts';
import { connectRoutes } from './connect.ts';
import { loadAssignment } from './endpoint.ts';
import { providerFilter } from './ext-authz.ts';
import { httpFeatures } from './filter.ts';
import { createJwksClusters } from './jwks.ts';
import { connectTerminate, serviceListeners } from './listener.ts';
import { type Group, groupsOf } from './groups.ts';
import {
  authority,
  customFilterName,
  type Feature,
  filterName,
  portName,
  providerCluster,
  tcpFilterName,
} from './names.ts';
import type { EmitOptions } from './options.ts';
import { connectOriginateListener, workloadOriginateListener } from './originate.ts';
import { customProgram, httpProgram, tcpProgram } from './program.ts';
import type { XdsResource, XdsSnapshot } from './resource.ts';
import { routeConfiguration } from './route.ts';
import { tunnelProgram } from './tunnel-authz.ts';
import { workloadListener } from './workload.ts';

/**
 * Turns the versions of a waypoint, one after the other, into Envoy configuration. The closure holds nothing but what
 * it made before: a port that is the same object (`===`) is not encoded again, and a type of which nothing changed is
 * the same map.
 */
export function createEmitter(options: EmitOptions): (waypoint: Waypoint) => XdsSnapshot {
  let made:
    | { readonly mode: PathNormalization | undefined; readonly emit: ReturnType<typeof createEmitter> }
    | undefined;
  return (waypoint) => {
    // Part of every listener, so that another one is another emitter: it is changed once in the life of a mesh.
    const mode = options.pathNormalization ?? waypoint.pathNormalization;
    if (made === undefined || made.mode !== mode)
      made = { mode, emit: emitterOf({ ...options, pathNormalization: mode }) };
    return made.emit(waypoint);
  };
}

function emitterOf(options: EmitOptions): (waypoint: Waypoint) => XdsSnapshot {
  const features = httpFeatures(options.without);
  const portsWith = lastOf((providers: readonly string[]) => {
    const listener = serviceListeners(options, providers);
    return groupsOf((port: ServicePort) => portResources(port, options, features, listener, providers.length > 0));
  }, sameNames);
  const ofBackends = groupsOf(backendResources);
  const ofWaypoint = lastOf((waypoint: Waypoint) => [waypointResources(waypoint, options)], sameSurroundings);
  const ofJwks = createJwksClusters(options.systemRoots);
  let last: { readonly lists: Lists; readonly snapshot: XdsSnapshot } | undefined;
  return (waypoint) => {
    // Part of every listener: another list of names makes all of them anew. It changes as seldom as the mesh does.
    const ofPorts = portsWith(waypoint.extensionProviders.map(({ settings }) => settings.name));
    const lists = [ofWaypoint(waypoint), [ofJwks(waypoint)], ofPorts(waypoint.ports), ofBackends(waypoint.backends)];
    const snapshot = (last && changed(last.snapshot, last.lists, lists)) ?? assembled(lists);
    last = { lists, snapshot };
    return snapshot;
  };
}

/** One waypoint, once. */
export const emitWaypoint = (waypoint: Waypoint, options: EmitOptions): XdsSnapshot => createEmitter(options)(waypoint);

/** The groups of each kind of part. */
type Lists = readonly (readonly Group[])[];

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
  a.workloadAuthn === b.workloadAuthn &&
  a.tunnelAuthz === b.tunnelAuthz &&
  a.trustDomain === b.trustDomain &&
  a.trustDomainAliases === b.trustDomainAliases &&
  a.extensionProviders === b.extensionProviders;

const sameNames = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, index) => name === b[index]);

/** Everything of one service port, and of nothing else: what changes together is sent together. */
function portResources(
  port: ServicePort,
  options: EmitOptions,
  features: readonly Feature[],
  listener: (name: string, port: ServicePort) => XdsResource,
  custom: boolean,
): Group {
  const name = portName(port);
  const programs = compilePrograms(port, { singleLines: options.repeatedHeaders === 'refuse' });
  const resources = port.addresses.map((address) => bridge(authority(address, port.port), name));
  resources.push(listener(name, port));
  if (port.protocol !== 'tcp') {
    resources.push(routeConfiguration(name, provenRoutes(port.authn, port.routes), reroutes(port.authn, port.routes)));
    if (custom) resources.push(customProgram(customFilterName(name), options.modules.authz, programs.custom));
    if (!options.without?.includes('authn')) resources.push(authnProgram(name, port.authn, port.routes));
    for (const feature of features) {
      resources.push(httpProgram(filterName(feature, name), feature, options.modules[feature], programs[feature]));
    }
  }
  if (port.protocol === 'tcp' || port.protocol === 'detect') {
    resources.push(tcpProgram(tcpFilterName(name), options.modules.authz, programs.authzTcp));
  }
  return resources;
}

const backendResources = (backend: Backend): Group => [backendCluster(backend), loadAssignment(backend)];

function waypointResources(waypoint: Waypoint, options: EmitOptions): Group {
  const addresses = waypoint.workloads.map((workload) => workload.address);
  const resources = [
    connectTerminate(waypoint, options),
    connectRoutes(addresses),
    connectOriginate(waypoint.trustDomain),
    connectOriginateListener(),
    ...waypoint.extensionProviders.flatMap(providerResources),
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

/** How a provider is asked, and the way to it unless that is one of the backends. */
function providerResources(provider: AuthzProvider): readonly XdsResource[] {
  const { settings, host, backend } = provider;
  const filter = providerFilter(provider);
  if (backend !== undefined) return [filter];
  const protocol = settings.kind === 'grpc' ? 'http2' : 'http';
  return [outsideCluster(providerCluster(provider), host, settings.port, protocol), filter];
}

function assembled(lists: Lists): XdsSnapshot {
  const types = new Map<string, Map<string, XdsResource>>();
  for (const groups of lists) {
    for (const group of groups) {
      for (const resource of group) {
        let ofType = types.get(resource.typeUrl);
        if (ofType === undefined) types.set(resource.typeUrl, (ofType = new Map()));
        ofType.set(resource.name, resource);
      }
    }
  }
  return types;
}

/** More changed groups than this are assembled anew, which costs about the same. */
const FEW = 64;

/** The snapshot with the groups that differ exchanged; undefined where it is not a matter of a few. */
function changed(before: XdsSnapshot, old: Lists, lists: Lists): XdsSnapshot | undefined {
  const differing: { readonly gone: Group; readonly come: Group }[] = [];
  for (const [kind, groups] of lists.entries()) {
    const were = old[kind];
    if (groups === were) continue;
    if (groups.length !== were?.length) return undefined;
    for (let index = 0; index < groups.length; index++) {
      if (groups[index] === were[index]) continue;
      if (differing.length === FEW) return undefined;
      differing.push({ gone: were[index]!, come: groups[index]! });
    }
  }
  if (differing.length === 0) return before;
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
  const kept = (resource: XdsResource, group: Group): boolean =>
    group.some(
      ({ typeUrl, name, version }) =>
        typeUrl === resource.typeUrl && name === resource.name && version === resource.version,
    );
  for (const { gone, come } of differing) {
    for (const resource of gone) if (!kept(resource, come)) ofType(resource.typeUrl).delete(resource.name);
  }
  for (const { gone, come } of differing) {
    for (const resource of come) if (!kept(resource, gone)) ofType(resource.typeUrl).set(resource.name, resource);
  }
  return types;
}
