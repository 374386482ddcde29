import { API_VERSION, type ProxyStatus, type Status, type World } from '#admin/api.ts';
import type { Waypoint } from '#model/waypoint.ts';
import type { RunOf } from './command.ts';
import type { status } from './commands/status.ts';
import { shortDuration } from './duration.ts';
import { EXIT } from './exit.ts';
import { jsonText, yamlText } from './render/document.ts';
import { table } from './render/table.ts';
import type { Style } from './render/style.ts';
import type { Terminal } from './terminal.ts';
import { asked, readWorld, runningPortolan, waypointName } from './world.ts';

export const run: RunOf<typeof status> = async ({ values, positionals, terminal }) => {
  const [wanted] = positionals.map(waypointName);
  const isShown = (namespace: string, name: string): boolean =>
    (values.namespace === undefined || values.namespace === namespace) &&
    (wanted === undefined || (wanted.namespace === namespace && wanted.name === name));

  const live = values.file.length === 0 ? await liveStatus(values.state, terminal) : undefined;
  const world = live?.world ?? (await readWorld(values.file, values['trust-domain'], terminal));
  const waypoints = world.model.waypoints.filter(({ namespace, name }) => isShown(namespace, name));
  const statuses = world.statuses.filter(
    ({ resource }) => values.namespace === undefined || resource.namespace === values.namespace,
  );

  switch (values.json ? 'json' : values.output) {
    case 'json':
      terminal.out(jsonText(document()));
      break;
    case 'yaml':
      terminal.out(yamlText(document()));
      break;
    case 'name':
      terminal.out(waypoints.map(({ namespace, name }) => `waypoint/${namespace}/${name}\n`).join(''));
      break;
    default:
      terminal.out(overview(waypoints, live?.status, terminal.style.out));
      if (values.output === 'wide') terminal.out(targets(waypoints, terminal.style.out));
      if (waypoints.length === 0 && !terminal.quiet) terminal.err('no waypoints found\n');
      else if (!terminal.quiet) rejections(live?.status, terminal);
  }
  return EXIT.ok;

  function document(): object {
    const shown = (live?.status.waypoints ?? []).filter(({ namespace, name }) => isShown(namespace, name));
    return {
      apiVersion: API_VERSION,
      ...(live === undefined ? {} : { process: live.status.process, waypoints: shown, proxies: live.status.proxies }),
      statuses,
      findings: world.findings,
    };
  }
};

interface Live {
  readonly status: Status;
  readonly world: World;
}

async function liveStatus(state: string | undefined, terminal: Terminal): Promise<Live> {
  const client = await runningPortolan(state, terminal);
  const [live, world] = await asked(Promise.all([client.status(), client.world()]));
  return { status: live, world };
}

/** One line a waypoint. Offline, what only a running process knows is `-`. */
function overview(waypoints: readonly Waypoint[], live: Status | undefined, style: Style): string {
  if (waypoints.length === 0) return '';
  const rows = waypoints.map((waypoint) => {
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
  });
  return table(
    ['NAMESPACE', 'WAYPOINT', 'READY', 'ATTACHED', 'ROUTES', 'POLICIES', 'CONFIG', 'ADDRESS', 'AGE'],
    rows,
    style,
  );
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

/** One line a service port. */
function targets(waypoints: readonly Waypoint[], style: Style): string {
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

function rejections(live: Status | undefined, terminal: Terminal): void {
  for (const { node, rejections: refused } of live?.proxies ?? []) {
    for (const { type, names, reason } of refused) {
      terminal.err(`${terminal.style.err.red('NACK')} ${node}: ${type} ${names.join(', ')}: ${reason}\n`);
    }
  }
}
