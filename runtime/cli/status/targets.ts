import type { Waypoint } from '#model/waypoint.ts';
import { table } from '../render/table.ts';
import type { Style } from '../render/style.ts';

/** One line a service port. */
export function targets(waypoints: readonly Waypoint[], style: Style): string {
  const rows = waypoints.flatMap(({ namespace, name, ports, backends }) =>
    ports.map((port) => {
      const own = backends.find((backend) => backend.name === port.backend);
      const closed = port.authz.closed === undefined ? '' : ' (closed)';
      return [
        `svc/${port.service.namespace}/${port.service.name}`,
        String(port.port),
        port.protocol,
        port.addresses.join(','),
        `${namespace}/${name}`,
        String(port.routes.length),
        `${port.authz.policies.length}${closed}`,
        String(own?.endpoints.length ?? 0),
      ];
    }),
  );
  const head = ['TARGET', 'PORT', 'PROTOCOL', 'VIP', 'WAYPOINT', 'ROUTES', 'POLICIES', 'ENDPOINTS'];
  return rows.length === 0 ? '' : `\n${table(head, rows, style)}`;
}
