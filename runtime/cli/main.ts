import type { Command, Flags, Invocation } from './command.ts';
import { commands } from './commands.ts';
import { EXIT, type Exit } from './exit.ts';
import { Failure } from './failure.ts';
import { parse, type Parsed } from './parse.ts';
import { failureText } from './render/finding.ts';
import { processTerminal, type Terminal, type TerminalOptions } from './terminal.ts';

/** Runs one command line (without node and script) and gives its exit code. Never throws. */
export async function main(
  argv: readonly string[],
  terminalFor: (options: TerminalOptions) => Terminal = processTerminal,
  table: readonly Command[] = commands,
): Promise<Exit> {
  let terminal = terminalFor({
    quiet: false,
    verbose: argv.includes('--verbose'),
    noColor: argv.includes('--no-color'),
  });
  try {
    const parsed = argv.includes('--version') ? parse(['version'], table) : parse(argv, table);
    if (parsed === undefined) return await overview(argv, terminal);
    const { quiet, verbose, 'no-color': noColor } = parsed.values;
    terminal = terminalFor({ quiet: quiet === true, verbose: verbose === true, noColor: noColor === true });
    return await runCommand(parsed, terminal);
  } catch (error) {
    return report(error, terminal);
  }
}

/** No verb: help. Only flags of help are asked for, or nothing; anything else is a mistake. */
async function overview(argv: readonly string[], terminal: Terminal): Promise<Exit> {
  const parsed = parse(['help', ...argv], commands);
  return parsed === undefined
    ? EXIT.usage
    : await runCommand({ ...parsed, values: { ...parsed.values, help: false } }, terminal);
}

async function runCommand({ command, values, positionals }: Parsed, terminal: Terminal): Promise<Exit> {
  if (values['help'] === true) {
    const { commandHelp } = await import('./help-text.ts');
    terminal.out(commandHelp(command, terminal.style.out));
    return EXIT.ok;
  }
  const verb = await command.load();
  return await verb.run({ values: values as Invocation<Flags>['values'], positionals, terminal });
}

function report(error: unknown, terminal: Terminal): Exit {
  const style = terminal.style.err;
  if (error instanceof Failure) {
    terminal.err(failureText(error.message, error.details, style));
    return error.exit;
  }
  if (isGuided(error)) {
    const { message, expected, came, next } = error;
    terminal.err(failureText(message.split('\n')[0]!, { expected, came, next }, style));
    return EXIT.failed;
  }
  const { message, stack, code } = error as NodeJS.ErrnoException;
  // Errors of the layers below that are the user's to mend carry the template in their message; the system's have a code.
  const isTemplate = /\n {2}(expected|came|next) {2}/.test(message);
  if (isTemplate || (typeof code === 'string' && /^E[A-Z]+$/.test(code))) {
    terminal.err(`${style.red(style.bold('error'))}: ${message}\n`);
    if (terminal.verbose) terminal.err(`${stack}\n`);
    return EXIT.failed;
  }
  terminal.err(`${style.red(style.bold('bug'))}: ${message}\n`);
  if (terminal.verbose) terminal.err(`${stack}\n`);
  else terminal.err('  next      run it again with --verbose for the stack\n');
  terminal.err(
    '  report    as an issue of the project, with the command line, this text and "portolan version --json"\n',
  );
  return EXIT.bug;
}

/** Errors of the layers below that say what to do (`GuidedError`); told by their fields, so that no layer is loaded for it. */
function isGuided(
  error: unknown,
): error is Error & { readonly expected: string; readonly came: string; readonly next: string } {
  if (!(error instanceof Error)) return false;
  const fields = error as { readonly expected?: unknown; readonly came?: unknown; readonly next?: unknown };
  return [fields.expected, fields.came, fields.next].every((field) => typeof field === 'string');
}
