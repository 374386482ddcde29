import type { RunOf } from './command.ts';
import type { diff } from './commands/diff.ts';
import { comparison, isSame } from './diff/comparison.ts';
import { diffJson } from './diff/json.ts';
import { diffText } from './diff/text.ts';
import { EXIT } from './exit.ts';
import { usage } from './failure.ts';
import { pathNormalizationOf } from './path-normalization.ts';
import { jsonText } from './render/document.ts';
import { shortFinding } from './render/finding.ts';
import { readWorld } from './world.ts';

export const run: RunOf<typeof diff> = async ({ values, positionals, terminal }) => {
  const [before, after, ...more] = positionals;
  if (before === undefined || after === undefined || more.length > 0) {
    throw usage('diff compares two things', {
      expected: 'A and B: files, folders, or "-" for one of them',
      came: positionals.length === 0 ? 'none' : positionals.join(' '),
      next: 'portolan diff mesh/ mesh-next/',
    });
  }
  if (before === '-' && after === '-') throw usage('only one of the two can be standard input');
  const steps = values.budget === undefined ? undefined : stepsOf(values.budget);
  const [old, now] = [
    await readWorld([before], values['trust-domain'], terminal),
    await readWorld([after], values['trust-domain'], terminal),
  ];
  // What could not be read decides nothing, or closes its targets: whoever compares must know.
  if (!terminal.quiet) {
    for (const finding of [...old.findings, ...now.findings])
      if (finding.level === 'error') terminal.err(shortFinding(finding));
  }
  const compared = comparison(old.model, now.model, pathNormalizationOf(values['path-normalization']), steps);
  if (values.json || values.output === 'json') terminal.out(jsonText(diffJson(compared, { before, after })));
  else {
    terminal.out(diffText(compared, { before, after }, terminal.style.out));
  }
  if (!isSame(compared)) return EXIT.found;
  return compared.ports.some(({ limits }) => limits.length > 0) ? EXIT.failed : EXIT.ok;
};

function stepsOf(text: string): number {
  const steps = Number(text);
  if (Number.isInteger(steps) && steps > 0) return steps;
  throw usage('--budget takes a whole number of steps', { came: text });
}
