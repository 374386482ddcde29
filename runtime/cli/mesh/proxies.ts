import type { ProxyStatus, Rejection } from '#admin/api.ts';
import type { NodeStatus } from '#xds/status.ts';

/** The short name of a type: `Listener`. */
export const typeName = (typeUrl: string): string => typeUrl.slice(typeUrl.lastIndexOf('.') + 1);

/** What the admin interface says of a connected Envoy. */
export function proxyStatus(node: NodeStatus): ProxyStatus {
  const types = node.types.map(({ typeUrl, inSync, pending, nacked, missing }) => [
    typeName(typeUrl),
    { synced: inSync, pending: pending + missing.length, rejected: nacked },
  ]);
  return {
    node: node.node,
    waypoint: node.key,
    types: Object.fromEntries(types) as ProxyStatus['types'],
    rejections: node.nacks.map(({ typeUrl, name, version, reason }): Rejection => ({
      type: typeName(typeUrl),
      names: [name],
      version,
      reason,
    })),
  };
}
