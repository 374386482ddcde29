import { findEnvoy } from '#proxy/find.ts';
import { progressOn, SILENT } from '#proxy/progress.ts';
import type { RunOf } from './command.ts';
import type { envoy } from './commands/envoy.ts';
import { EXIT } from './exit.ts';
import { usage } from './failure.ts';

export const run: RunOf<typeof envoy> = async ({ positionals, terminal }) => {
  const [word = 'path', ...more] = positionals;
  if (word !== 'path' || more.length > 0) {
    throw usage('envoy is asked for its path alone', { came: positionals.join(' '), next: 'portolan envoy path' });
  }
  const progress = terminal.quiet
    ? SILENT
    : progressOn({ isTTY: terminal.redraws, write: (text) => (terminal.err(text), true) });
  const { path, version, source } = await findEnvoy({ env: terminal.environment, progress });
  if (terminal.verbose) terminal.err(`Envoy ${version}, found by ${source}\n`);
  terminal.out(`${path}\n`);
  return EXIT.ok;
};
