import type { RunOf } from './command.ts';
import { commands } from './commands.ts';
import type { help } from './commands/help.ts';
import { EXIT } from './exit.ts';
import { usage } from './failure.ts';
import { closestCode, codeHelp, codesHelp, commandHelp, overview } from './help-text.ts';
import { closest } from './suggest.ts';

export const run: RunOf<typeof help> = async ({ positionals, terminal }) => {
  const style = terminal.style.out;
  const [topic] = positionals;
  terminal.out(topic === undefined ? overview(commands, style) : about(topic));
  return EXIT.ok;

  function about(word: string): string {
    if (word === 'codes') return codesHelp(style);
    const command = commands.find(({ name }) => name === word);
    if (command !== undefined) return commandHelp(command, style);
    const isCode = /^(ptl)?\d{1,4}$/i.test(word);
    const code = `PTL${word.replace(/^ptl/i, '')}`;
    const meaning = isCode ? codeHelp(code, style) : undefined;
    if (meaning !== undefined) return meaning;
    const meant = isCode
      ? closestCode(code)
      : closest(
          word,
          commands.map(({ name }) => name),
        );
    throw usage(`there is no help about "${word}"`, {
      expected: 'a command, "codes" or a code like PTL1203',
      next: meant === undefined ? (isCode ? 'portolan help codes' : 'portolan help') : `portolan help ${meant}`,
    });
  }
};
