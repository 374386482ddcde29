import { isIP } from 'node:net';
import { create } from '@bufbuild/protobuf';
import type { JwtKeys, JwtRule } from '#model/authn.ts';
import type { Waypoint } from '#model/waypoint.ts';
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  ClusterSchema,
} from '#gen/envoy/config/cluster/v3/cluster_pb.ts';
import { hostAssignment } from './cluster.ts';
import { encode, duration } from './encode.ts';
import type { XdsResource } from './resource.ts';
import { serverTls } from './tls.ts';

/** A host outside of the mesh that keys are fetched from. */
type JwksHost = Extract<Extract<JwtKeys, { kind: 'fetched' }>['from'], { kind: 'host' }>;

/**
 * `jwks/https://issuer.example:443`. Not the bare authority: the bridge clusters are named by theirs, and whoever knows
 * the name of a cluster that has such a name can have a tunnel to it.
 */
export const jwksClusterName = ({ host, port, tls }: JwksHost): string =>
  `jwks/${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Makes the part that gives a waypoint the clusters of the hosts that its keys come from: the same list while they are. */
export function createJwksClusters(roots: string | undefined): (waypoint: Waypoint) => readonly XdsResource[] {
  let last: { readonly key: string; readonly clusters: readonly XdsResource[] } = { key: '', clusters: [] };
  return (waypoint) => {
    const hosts = new Map<string, JwksHost>();
    for (const { authn } of waypoint.ports) collect(authn, hosts);
    collect(waypoint.workloadAuthn, hosts);
    const names = [...hosts.keys()].sort();
    const key = names.join(' ');
    if (key !== last.key)
      last = { key, clusters: names.flatMap((name) => cluster(name, hosts.get(name)!, roots) ?? []) };
    return last.clusters;
  };
}

function collect(rules: readonly JwtRule[] | undefined, hosts: Map<string, JwksHost>): void {
  for (const { keys } of rules ?? []) {
    if (keys.kind === 'fetched' && keys.from.kind === 'host') hosts.set(jwksClusterName(keys.from), keys.from);
  }
}

/** Without roots nobody can be told from an impostor: there is no cluster then, and so there are no keys. */
function cluster(name: string, { host, port, tls }: JwksHost, roots: string | undefined): XdsResource | undefined {
  if (tls && roots === undefined) return undefined;
  const message = create(ClusterSchema, {
    name,
    clusterDiscoveryType: {
      case: 'type',
      value: isIP(host) === 0 ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.STATIC,
    },
    dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED,
    respectDnsTtl: true,
    // A name that is slow to be found holds nothing else up.
    waitForWarmOnInit: false,
    connectTimeout: duration(5_000),
    loadAssignment: hostAssignment(name, host, port),
    ...(tls && roots !== undefined ? { transportSocket: serverTls(host, roots) } : {}),
  });
  return encode(name, ClusterSchema, message);
}
