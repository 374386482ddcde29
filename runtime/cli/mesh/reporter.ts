import type { PlacedFinding } from '#admin/api.ts';
import { findingText } from '../render/finding.ts';
import type { Terminal } from '../terminal.ts';
import type { MeshEvent } from './event.ts';

/** Tells a person what a running mesh does: one line an event, and findings only when they are new. */
export function createReporter(terminal: Terminal): (event: MeshEvent) => void {
  const { err: style } = terminal.style;
  let known: ReadonlySet<string> = new Set();
  const texts = new WeakMap<PlacedFinding, string>();
  const textOf = (finding: PlacedFinding): string => {
    const text = texts.get(finding) ?? findingText(finding, style);
    texts.set(finding, text);
    return text;
  };
  let first = true;
  const say = (text: string): void => {
    if (!terminal.quiet) terminal.err(`${text}\n`);
  };

  function findings(all: readonly PlacedFinding[]): void {
    const shown = terminal.verbose ? all : all.filter((finding) => finding.level !== 'info');
    const told = shown.map(textOf);
    for (const text of told) if (!known.has(text)) terminal.err(text);
    known = new Set(told);
  }

  return (event) => {
    switch (event.kind) {
      case 'translated':
        findings(event.findings);
        if (!first)
          say(`read again in ${event.ms.toFixed(0)} ms${event.changed ? '' : ', nothing changed for any Envoy'}`);
        first = false;
        return;
      case 'accepted':
        say(`${event.waypoint} accepted in ${event.ms.toFixed(0)} ms`);
        return;
      case 'rejected':
        terminal.err(
          findingText(
            {
              code: 'PTL2001',
              level: 'error',
              path: '',
              message: `Envoy of ${event.waypoint} refused ${event.type} "${event.name}"`,
              came: event.reason,
              effect: 'it keeps what it accepted last',
              next: 'correct the resource, or report it: a configuration that Portolan makes should not be refused',
            },
            style,
          ),
        );
        return;
      case 'waypointGone':
        say(`${event.waypoint} is no longer in the files: its Envoy is drained and ended`);
        return;
      case 'finding':
        terminal.err(findingText(event.finding, style));
        return;
      case 'log':
        // Envoy calls its own regular end a warning, and our restart as well.
        if (/caught ENVOY_SIGTERM|config stream to portolan-xds closed/.test(event.line.message) && !terminal.verbose)
          return;
        if (terminal.verbose || ['warning', 'error', 'critical'].includes(event.line.level)) {
          terminal.err(
            style.dim(`envoy ${event.waypoint} ${event.line.level} ${event.line.logger}: ${event.line.message}`) + '\n',
          );
        }
        return;
      case 'waypoint':
        say(supervision(event.waypoint, event.event));
        return;
    }
  };
}

function supervision(waypoint: string, event: Extract<MeshEvent, { kind: 'waypoint' }>['event']): string {
  switch (event.kind) {
    case 'started':
      return `${waypoint} Envoy started (process ${event.pid})`;
    case 'adopted':
      return `${waypoint} Envoy of an earlier run serves on (process ${event.pid})`;
    case 'replacing':
      return `${waypoint} Envoy of an earlier run is drained: it was started with other options (process ${event.pid})`;
    case 'crashed':
      return `${waypoint} Envoy ended by itself (${event.reason}); started again in ${event.restartInMs} ms`;
    case 'stopped':
      return `${waypoint} Envoy ended`;
  }
}
