import type { Command, Flag, RunOf } from './command.ts';
import { commands } from './commands.ts';
import type { completion } from './commands/completion.ts';
import { EXIT } from './exit.ts';
import { usage } from './failure.ts';
import { flagsOf } from './parse.ts';

export const run: RunOf<typeof completion> = async ({ positionals, terminal }) => {
  const [shell = ''] = positionals;
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
  if (script === undefined) {
    throw usage('completion needs the name of a shell', {
      expected: `one of: ${Object.keys(scripts).join(', ')}`,
      came: shell === '' ? 'none' : shell,
    });
  }
  terminal.out(script(commands.filter(({ hidden }) => hidden !== true)));
  return EXIT.ok;
};

type Script = (commands: readonly Command[]) => string;

const shownFlags = (command: Command): readonly (readonly [string, Flag])[] =>
  Object.entries(flagsOf(command)).filter(([, { hidden }]) => hidden !== true);

/** Flags whose value is a path are left to the shell; those with choices are completed by them. */
const takesPath = ({ value = '' }: Flag): boolean => ['PATH', 'FILE', 'FOLDER'].includes(value);

const wordsOf = (command: Command): readonly string[] =>
  command.name === 'help' ? ['codes', ...commands.map(({ name }) => name)] : (command.words ?? []);

const bash: Script = (table) => {
  const cases = table.map((command) => {
    const flags = shownFlags(command).flatMap(([name, { short }]) => [`--${name}`, ...(short ? [`-${short}`] : [])]);
    return `    ${command.name}) words="${[...wordsOf(command), ...flags].join(' ')}" ;;`;
  });
  const choices = table.flatMap((command) =>
    shownFlags(command).flatMap(([name, { short, choices: values }]) =>
      values === undefined
        ? []
        : [
            `    ${[`${command.name}:--${name}`, ...(short ? [`${command.name}:-${short}`] : [])].join('|')}) COMPREPLY=($(compgen -W "${values.join(' ')}" -- "$word")); return ;;`,
          ],
    ),
  );
  return `# bash completion of portolan: source <(portolan completion bash)
_portolan() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" verb="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in -*) ;; *) verb="\${COMP_WORDS[i]}"; break ;; esac
  done
  case "$verb:$before" in
${choices.join('\n')}
  esac
  case "$verb" in
    "") words="${table.map(({ name }) => name).join(' ')} --help --version" ;;
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [[ "$word" == -* || -z "$verb" ]] || COMPREPLY+=($(compgen -f -- "$word"))
}
complete -o filenames -F _portolan portolan
`;
};

const single = (text: string): string => text.replaceAll("'", "'\\''");

const zsh: Script = (table) => {
  const describe = (text: string): string => single(text.replaceAll(/[[\]:]/g, (mark) => `\\${mark}`));
  const verbs = table.map(({ name, about }) => `    '${name}:${single(about.replaceAll(':', '\\:'))}'`);
  const cases = table.map((command) => {
    const flags = shownFlags(command).map(([name, flag]) => {
      const action =
        flag.type === 'boolean'
          ? ''
          : flag.choices
            ? `:value:(${flag.choices.join(' ')})`
            : takesPath(flag)
              ? ':path:_files'
              : ':value:';
      const names = flag.short === undefined ? `'--${name}` : `{-${flag.short},--${name}}'`;
      return `${flag.multiple === true ? "'*'" : ''}${names}[${describe(flag.about)}]${action}'`;
    });
    const words = wordsOf(command);
    const rest = words.length === 0 ? "'*:path:_files'" : `'1:word:(${words.join(' ')})' '*:path:_files'`;
    return `    ${command.name}) _arguments ${[...flags, rest].join(' ')} ;;`;
  });
  return `#compdef portolan
# zsh completion of portolan
_portolan() {
  local -a verbs=(
${verbs.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command verbs; return; fi
  local verb="\${words[2]}"
  shift words; (( CURRENT-- ))
  case "$verb" in
${cases.join('\n')}
  esac
}
compdef _portolan portolan
`;
};

const fish: Script = (table) => {
  const lines = table.flatMap((command) => {
    const seen = `__fish_seen_subcommand_from ${command.name}`;
    return [
      `complete -c portolan -n __fish_use_subcommand -f -a ${command.name} -d '${single(command.about)}'`,
      ...wordsOf(command).map((word) => `complete -c portolan -n '${seen}' -f -a ${word}`),
      ...shownFlags(command).map(([name, flag]) => {
        const short = flag.short === undefined ? '' : ` -s ${flag.short}`;
        const value =
          flag.type === 'boolean'
            ? ''
            : flag.choices
              ? ` -x -a '${flag.choices.join(' ')}'`
              : takesPath(flag)
                ? ' -r -F'
                : ' -x';
        return `complete -c portolan -n '${seen}' -l ${name}${short}${value} -d '${single(flag.about)}'`;
      }),
    ];
  });
  return `# fish completion of portolan\n${lines.join('\n')}\n`;
};

const scripts: Readonly<Record<string, Script>> = { bash, zsh, fish };
