import { setTimeout as sleep } from 'node:timers/promises';
import { API_VERSION } from '#admin/api.ts';
import type { RunOf, Values } from './command.ts';
import type { status } from './commands/status.ts';
import { EXIT } from './exit.ts';
import { usage } from './failure.ts';
import { jsonText, yamlText } from './render/document.ts';
import { rowsText, table, widthsOf, type Row } from './render/table.ts';
import { OVERVIEW, overviewRow } from './status/overview.ts';
import { liveReader, readFiles, selected, type Reading, type Selection } from './status/reading.ts';
import { targets } from './status/targets.ts';
import { changedRows } from './status/watch.ts';
import type { Terminal } from './terminal.ts';
import { waypointName } from './world.ts';

/** How often a watch looks: what it shows changes by edits and by Envoys, not by requests. */
const WATCH_MS = 500;

export const run: RunOf<typeof status> = async ({ values, positionals, terminal }) => {
  const [waypoint] = positionals.map(waypointName);
  const selection: Selection = {
    // As in kubectl, all namespaces win over one.
    namespace: values['all-namespaces'] ? undefined : values.namespace,
    waypoint,
  };
  if (values.file.length > 0) {
    if (values.watch) {
      throw usage('files by themselves do not change their status', {
        expected: '--watch of a running portolan, or -f without it',
        next: 'portolan run -f PATH, and portolan status --watch',
      });
    }
    show(selected(await readFiles(values.file, values['trust-domain'], terminal), selection), values, terminal);
    return EXIT.ok;
  }
  const read = await liveReader(values.state, terminal);
  const first = selected(await read(), selection);
  show(first, values, terminal);
  if (!values.watch) return EXIT.ok;

  let before = rowsOf(first, terminal);
  let told = summary(first);
  let widths = before.length === 0 ? undefined : widthsOf(OVERVIEW, before);
  // Ends by a signal, or with the process that is watched.
  for (;;) {
    await sleep(WATCH_MS);
    const next = selected(await read(), selection);
    const after = rowsOf(next, terminal);
    const changed = changedRows(before, after);
    const now = summary(next);
    switch (formOf(values)) {
      case 'table':
        if (widths !== undefined) terminal.out(rowsText(changed, widths));
        else if (after.length > 0) {
          widths = widthsOf(OVERVIEW, after);
          terminal.out(table(OVERVIEW, after, terminal.style.out));
        }
        break;
      case 'name':
        terminal.out(changed.map(([namespace, name]) => `waypoint/${namespace}/${name}\n`).join(''));
        break;
      default:
        if (now !== told) show(next, values, terminal);
    }
    before = after;
    told = now;
  }
};

type StatusValues = Values<typeof status.flags>;

const formOf = (values: StatusValues): string => (values.json ? 'json' : values.output);

const rowsOf = ({ world, status: live }: Reading, terminal: Terminal): readonly Row[] =>
  world.model.waypoints.map((waypoint) => overviewRow(waypoint, live, terminal.style.out));

/** Equal texts: nothing to show again. */
const summary = ({ world, status: live }: Reading): string =>
  JSON.stringify([live?.process.revision, live?.waypoints, live?.proxies, world.model.waypoints.length]);

function show(reading: Reading, values: StatusValues, terminal: Terminal): void {
  const { waypoints } = reading.world.model;
  switch (formOf(values)) {
    case 'json':
      terminal.out(jsonText(document(reading)));
      return;
    case 'yaml':
      terminal.out(yamlText(document(reading)));
      return;
    case 'name':
      terminal.out(waypoints.map(({ namespace, name }) => `waypoint/${namespace}/${name}\n`).join(''));
      return;
    default:
      if (waypoints.length > 0) terminal.out(table(OVERVIEW, rowsOf(reading, terminal), terminal.style.out));
      if (values.output === 'wide') terminal.out(targets(waypoints, terminal.style.out));
      if (waypoints.length === 0 && !terminal.quiet) terminal.err('no waypoints found\n');
      else if (!terminal.quiet) rejections(reading, terminal);
  }
}

function document({ world, status: live }: Reading): object {
  return {
    apiVersion: API_VERSION,
    ...(live === undefined ? {} : { process: live.process, waypoints: live.waypoints, proxies: live.proxies }),
    statuses: world.statuses,
    findings: world.findings,
  };
}

function rejections({ status: live }: Reading, terminal: Terminal): void {
  for (const { node, rejections: refused } of live?.proxies ?? []) {
    for (const { type, names, reason } of refused) {
      terminal.err(`${terminal.style.err.red('NACK')} ${node}: ${type} ${names.join(', ')}: ${reason}\n`);
    }
  }
}
