import { codes } from '#model/code.ts';
import type { Command, Flag } from './command.ts';
import { flagsOf } from './parse.ts';
import { closest } from './suggest.ts';
import type { Style } from './render/style.ts';

const GROUPS = ['Waypoint', 'Look', 'Other'] as const;

/** The first screen: what it is for, four lines to type, and every verb. */
export function overview(commands: readonly Command[], style: Style): string {
  const shown = commands.filter(({ hidden }) => !hidden);
  const room = Math.max(...shown.map(({ name }) => name.length)) + 2;
  const groups = GROUPS.map((group) => {
    const verbs = shown.filter((one) => one.group === group);
    return `${style.bold(group)}\n${verbs.map(({ name, about }) => `  ${name.padEnd(room)}${about}\n`).join('')}`;
  });
  return `Portolan, a waypoint for Istio ambient mesh.

  portolan run --demo                       Bookinfo behind a waypoint, shown by real requests
  portolan run -f mesh/                     run a waypoint from files on this machine
  portolan curl --as app/web http://reviews.app:9080/
  portolan explain --as app/web GET http://reviews.app:9080/

${groups.join('\n')}
Use "portolan help <command>", "portolan help codes" or -h.
`;
}

/** Everything about one verb: usage, examples, flags by group, exit codes, and where to go on. */
export function commandHelp(command: Command, style: Style): string {
  const part = (title: string, lines: readonly string[]): string =>
    lines.length === 0 ? '' : `\n${style.bold(title)}\n${lines.map((line) => `  ${line}`.trimEnd()).join('\n')}\n`;
  const flags = Object.entries(flagsOf(command)).filter(([, flag]) => flag.hidden !== true);
  const room = Math.max(...flags.map(([name, flag]) => flagText(name, flag).length)) + 2;
  const lines = (group: Flag['group']): string[] =>
    flags
      .filter(([, flag]) => flag.group === group)
      .map(([name, flag]) => {
        const initial = flag.default === undefined ? '' : ` (default ${flag.default})`;
        return `${flagText(name, flag).padEnd(room)}${flag.about}${initial}`;
      });
  return (
    `${command.about}\n` +
    part(
      'Usage',
      command.usage.map((line) => `portolan ${line}`),
    ) +
    part(
      'Examples',
      command.examples.flatMap(([line, what]) => [style.dim(`# ${what}`), line]),
    ) +
    part('Flags', lines(undefined)) +
    part('Output', lines('output')) +
    part('Common flags', lines('common')) +
    (command.notes ?? []).map((note) => `\n${note}\n`).join('') +
    part(
      'Exit codes',
      command.exits.map(([exit, when]) => `${String(exit).padEnd(4)}${when}`),
    ) +
    `\nSee also: ${command.see.map((name) => `portolan help ${name}`).join(', ')}\n`
  );
}

const flagText = (name: string, flag: Flag): string =>
  `${flag.short === undefined ? '    ' : `-${flag.short}, `}--${name}${flag.type === 'string' ? ` ${flag.value ?? 'VALUE'}` : ''}`;

const HUNDREDS: Readonly<Record<string, string>> = {
  '10': 'a text could not be read',
  '11': 'a resource does not follow its schema',
  '12': 'one resource names another',
  '13': 'authorization',
  '14': 'conflict and precedence',
  '15': 'valid, but not supported or only in part',
  '20': 'running and Envoy',
  '21': 'certificates',
};

const entries = (): readonly (readonly [string, string])[] =>
  (Object.entries(codes) as readonly (readonly [string, string])[]).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Every code, by hundreds. */
export function codesHelp(style: Style): string {
  const hundreds = [...new Set(entries().map(([code]) => code.slice(3, 5)))];
  return hundreds
    .map((hundred) => {
      const of = entries().filter(([code]) => code.slice(3, 5) === hundred);
      const lines = of.map(([code, meaning]) => `  ${code}  ${meaning}\n`).join('');
      return `${style.bold(`PTL${hundred}xx  ${HUNDREDS[hundred] ?? ''}`.trimEnd())}\n${lines}`;
    })
    .join('\n');
}

/** One code; undefined if there is no such code. */
export function codeHelp(code: string, style: Style): string | undefined {
  const meaning = entries().find(([known]) => known === code)?.[1];
  if (meaning === undefined) return undefined;
  const hundred = HUNDREDS[code.slice(3, 5)];
  const group = hundred === undefined ? '' : `\nGroup ${code.slice(3, 5)}: ${hundred}.`;
  return `${style.bold(code)}  ${meaning}${group}\nA code never changes its sense. Findings name the place, the effect and what to do: portolan check -f PATH\n`;
}

/** Code that was probably meant. */
export const closestCode = (text: string): string | undefined => closest(text, Object.keys(codes));
