import type { Waypoint } from '#model/waypoint.ts';
import type { RunOf } from './command.ts';
import type { translate } from './commands/translate.ts';
import { EXIT } from './exit.ts';
import { Failure } from './failure.ts';
import { moduleFiles } from './modules.ts';
import { jsonText, yamlText } from './render/document.ts';
import { shortFinding } from './render/finding.ts';
import { waypointName, worldOf } from './world.ts';

export const run: RunOf<typeof translate> = async ({ values, positionals, terminal }) => {
  const world = await worldOf(values, terminal);
  if (!terminal.quiet) {
    for (const finding of world.findings) if (finding.level !== 'info') terminal.err(shortFinding(finding));
  }
  const { waypoints } = world.model;
  const selected = positionals.length === 0 ? waypoints : positionals.map((text) => select(waypoints, text));
  switch (values.output) {
    case 'model': {
      const whole = positionals.length === 0 ? world.model : { waypoints: selected };
      terminal.out(yamlText(whole));
      break;
    }
    case 'programs': {
      const { programTexts } = await import('./mesh/program-texts.ts');
      for (const waypoint of selected) {
        for (const { name, text } of programTexts(waypoint)) terminal.out(`# ${name}\n${text.trimEnd()}\n\n`);
      }
      break;
    }
    default: {
      const [{ emitWaypoint }, { dumpSnapshot }, { DEFAULTS }] = await Promise.all([
        import('#envoy/index.ts'),
        import('#envoy/dump.ts'),
        import('#envoy/options.ts'),
      ]);
      const options = { ...DEFAULTS, modules: moduleFiles() };
      const configuration = Object.fromEntries(
        selected.map((waypoint) => [
          `${waypoint.namespace}/${waypoint.name}`,
          dumpSnapshot(emitWaypoint(waypoint, options)),
        ]),
      );
      terminal.out(values.output === 'json' ? jsonText(configuration) : yamlText(configuration));
    }
  }
  return EXIT.ok;
};

function select(waypoints: readonly Waypoint[], text: string): Waypoint {
  const { namespace, name } = waypointName(text);
  const found = waypoints.find((one) => one.namespace === namespace && one.name === name);
  if (found !== undefined) return found;
  const known = waypoints.map((one) => `${one.namespace}/${one.name}`).join(', ');
  throw new Failure(EXIT.failed, `there is no waypoint ${text}`, {
    expected: known === '' ? 'a Gateway of a waypoint class in the files' : `one of: ${known}`,
    came: text,
  });
}
