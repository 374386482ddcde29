import type { ProxyStatus, Status } from '#admin/api.ts';
import type { Waypoint } from '#model/waypoint.ts';
import { shortDuration } from '../duration.ts';
import type { Style } from '../render/style.ts';
import type { Row } from '../render/table.ts';

export const OVERVIEW = [
  'NAMESPACE',
  'WAYPOINT',
  'READY',
  'ATTACHED',
  'ROUTES',
  'POLICIES',
  'CONFIG',
  'ADDRESS',
  'AGE',
];

/** One line a waypoint, by the head above. Offline, what only a running process knows is `-`. */
export function overviewRow(waypoint: Waypoint, live: Status | undefined, style: Style): Row {
  const key = `${waypoint.namespace}/${waypoint.name}`;
  const served = live?.waypoints.find(({ namespace, name }) => `${namespace}/${name}` === key);
  const proxies = live?.proxies.filter((proxy) => proxy.waypoint === key);
  const ready = proxies?.filter((proxy) => configuration([proxy]) === 'in sync').length;
  return [
    waypoint.namespace,
    waypoint.name,
    proxies === undefined ? undefined : `${ready}/${Math.max(1, proxies.length)}`,
    `${new Set(waypoint.ports.map(({ service }) => service.host)).size} svc`,
    String(
      count(waypoint, ({ routes }) =>
        routes.flatMap(({ origin }) => (origin ? [`${origin.kind} ${origin.namespace}/${origin.name}`] : [])),
      ),
    ),
    String(count(waypoint, ({ authz }) => authz.policies.map(({ namespace, name }) => `${namespace}/${name}`))),
    proxies === undefined ? undefined : painted(configuration(proxies), style),
    served && `${served.address.host}:${served.address.port}`,
    live && shortDuration(Date.now() - Date.parse(live.process.startedAt)),
  ];
}

const count = (waypoint: Waypoint, namesOf: (port: Waypoint['ports'][number]) => readonly string[]): number =>
  new Set(waypoint.ports.flatMap(namesOf)).size;

/** What the Envoys of a waypoint say of their configuration, the worst first. */
function configuration(proxies: readonly ProxyStatus[]): string {
  if (proxies.length === 0) return 'no Envoy connected';
  if (proxies.some(({ rejections: refused }) => refused.length > 0)) return 'NACK PTL2001';
  const pending = proxies.some(({ types }) => Object.values(types).some((type) => type.pending > 0));
  return pending ? 'pending' : 'in sync';
}

const painted = (text: string, style: Style): string =>
  text === 'in sync' ? style.green(text) : text === 'pending' ? style.yellow(text) : style.red(text);
