import { parseArgs } from 'node:util';
import type { Command, Flag, Flags } from './command.ts';
import { common } from './commands/flags.ts';
import { usage } from './failure.ts';
import { closest } from './suggest.ts';

export interface Parsed {
  readonly command: Command;
  readonly values: Readonly<Record<string, boolean | string | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
}

/** A verb's own flags and those of all. */
export const flagsOf = (command: Command): Flags => ({ ...command.flags, ...common });

/**
 * Splits a command line into its verb, flags and words. Flags before the verb are its flags as well. Undefined: there
 * is no verb. Throws a `Failure` with exit 64 for what the table does not have.
 */
export function parse(argv: readonly string[], commands: readonly Command[]): Parsed | undefined {
  const at = verbIndex(argv, commands);
  if (at < 0) return undefined;
  const name = argv[at]!;
  const command = commands.find((one) => one.name === name);
  if (command === undefined) throw unknownCommand(name, commands);
  return { command, ...parseFlags(command, [...argv.slice(0, at), ...argv.slice(at + 1)]) };
}

/** Where the verb is: the first word that is neither a flag nor the value of one. */
function verbIndex(argv: readonly string[], commands: readonly Command[]): number {
  const takesValue = new Set(
    commands.flatMap((command) =>
      Object.entries(command.flags).flatMap(([name, { type, short }]) =>
        type === 'string' ? [`--${name}`, ...(short === undefined ? [] : [`-${short}`])] : [],
      ),
    ),
  );
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (!word.startsWith('-')) return i;
    if (takesValue.has(word)) i++;
  }
  return -1;
}

function unknownCommand(name: string, commands: readonly Command[]): Error {
  const names = commands.filter(({ hidden }) => !hidden).map((one) => one.name);
  const meant = closest(name, names);
  return usage(`"${name}" is not a command of portolan`, {
    ...(meant === undefined ? { expected: `one of: ${names.join(', ')}` } : {}),
    next: meant === undefined ? 'portolan help' : `portolan ${meant}`,
  });
}

function parseFlags(command: Command, argv: readonly string[]): Omit<Parsed, 'command'> {
  const flags = flagsOf(command);
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { type, short, multiple = false }]) => [
      name,
      { type, multiple, ...(short === undefined ? {} : { short }) },
    ]),
  );
  // Not strict: its messages know neither our flags' values nor what was meant.
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const values: Record<string, boolean | string | string[] | undefined> = {};
  for (const [name, flag] of Object.entries(flags)) values[name] = absent(flag);
  const positionals: string[] = [];
  const given = new Set<string>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name]! : undefined;
    if (flag === undefined) throw unknownFlag(command, token.rawName, flags);
    if (flag.type === 'boolean') {
      if (token.value !== undefined)
        throw usage(`${token.rawName} takes no value`, { came: token.value, ...hint(command) });
      values[token.name] = true;
      continue;
    }
    const value = valueOf(command, token.rawName, flag, token.value);
    if (flag.multiple === true) (values[token.name] as string[]).push(value);
    else if (given.has(token.name)) throw usage(`${token.rawName} is given twice`, hint(command));
    else values[token.name] = value;
    given.add(token.name);
  }
  return { values, positionals };
}

const absent = (flag: Flag): boolean | string | string[] | undefined =>
  flag.type === 'boolean' ? false : flag.multiple === true ? [] : flag.default;

function valueOf(command: Command, written: string, flag: Flag, value: string | undefined): string {
  const expected = flag.choices === undefined ? flag.value : `one of: ${flag.choices.join(', ')}`;
  if (value === undefined)
    throw usage(`${written} needs a value`, { expected: expected ?? 'a value', ...hint(command) });
  if (flag.choices !== undefined && !flag.choices.includes(value)) {
    const meant = closest(value, flag.choices);
    const next = meant === undefined ? hint(command).next : `${written} ${meant}`;
    throw usage(`"${value}" is not a value of ${written}`, { expected: expected ?? '', next });
  }
  return value;
}

function unknownFlag(command: Command, written: string, flags: Flags): Error {
  const meant = closest(written.replace(/^-+/, ''), Object.keys(flags));
  const next = meant === undefined ? hint(command).next : `portolan ${command.name} --${meant}`;
  return usage(`"${written}" is not a flag of portolan ${command.name}`, { next });
}

const hint = (command: Command): { readonly next: string } => ({ next: `portolan help ${command.name}` });
