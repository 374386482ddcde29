import { RE2JS, RE2JSException } from 're2js';
import { MAX_PROGRAM_SIZE } from '#model/regular-expression.ts';
import * as s from './schema.ts';

/**
 * Why Envoy would refuse an expression; undefined: it takes it. The syntax is RE2's. Two things that Envoy's RE2 has are
 * refused all the same: `\C`, and two groups of one name.
 */
export function regexProblem(expression: string): string | undefined {
  const known = judged.get(expression);
  if (known !== undefined) return known === '' ? undefined : known;
  const problem = judge(expression);
  // Routes of a mesh are mostly made from one template, and an edit reads them again.
  if (judged.size >= REMEMBERED) judged.clear();
  judged.set(expression, problem ?? '');
  return problem;
}

const judged = new Map<string, string>();
const REMEMBERED = 1_000;

/** Whether an expression matches the whole text, as Envoy's RE2 does. One that is not valid matches nothing. */
export function matchesWholly(expression: string, text: string): boolean {
  try {
    return RE2JS.compile(bytes(expression)).testExact(bytes(text));
  } catch {
    return false;
  }
}

/** A text that is an expression: checked before Envoy sees it. */
export const regularExpression = (rules: { readonly min?: number; readonly max?: number }) =>
  s.check(s.string(rules), checkExpression);

/** Reports an expression that Envoy would refuse. `field` is below where the report stands. */
export function checkExpression(expression: string, report: s.Report, field = ''): void {
  const problem = expression === '' ? undefined : regexProblem(expression);
  if (problem === undefined) return;
  report.add(
    {
      code: 'PTL1111',
      level: 'error',
      message: `regular expression ${s.shown(expression)} cannot be used: ${problem}`,
      expected: `an expression of RE2's syntax, with a program of at most ${MAX_PROGRAM_SIZE} instructions`,
      came: s.shown(expression),
      next: 'see https://github.com/google/re2/wiki/Syntax; it is compared with the whole value',
    },
    field,
  );
}

function judge(expression: string): string | undefined {
  // Compiling what repeats a lot takes long enough to be a nuisance, so that is not even tried.
  if (repetitions(expression) > 2 * MAX_PROGRAM_SIZE) return tooLarge(`more than ${2 * MAX_PROGRAM_SIZE}`);
  try {
    const size = programSize(RE2JS.compile(bytes(expression)));
    return size > MAX_PROGRAM_SIZE ? tooLarge(`about ${size}`) : undefined;
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return error.message.replace(/^error parsing regexp: /, '');
  }
}

const tooLarge = (size: string): string => `its program has ${size} instructions, and Envoy takes ${MAX_PROGRAM_SIZE}`;

/** Envoy's RE2 looks at bytes (`re2_use_latin1_mode`), not at characters: so do we, a character for each byte. */
const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** The sum of all counted repetitions, near enough: those in a character class are counted as well. */
function repetitions(expression: string): number {
  const plain = expression.replaceAll(/\\./gs, '');
  return [...plain.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].reduce((sum, [, low, high]) => sum + Number(high || low), 0);
}

/** Instructions that match a character, and the one that matches all but a newline. */
const RUNE = 8;
const ALL_BUT_NEWLINE = 11;

/**
 * The size that Envoy counts, or up to a third more: a class takes an instruction for each of its ranges, where this library
 * has one for all; there are two at the ends; alternatives take fewer. Measured with Envoy 1.40 in test/envoy/regular-expression.test.ts.
 */
function programSize(compiled: RE2JS): number {
  const { inst } = compiled.re2().prog as { readonly inst: readonly Instruction[] };
  return inst.reduce((sum, instruction) => sum + rangesOf(instruction), 2);
}

interface Instruction {
  readonly op: number;
  readonly runes: ArrayLike<number>;
}

function rangesOf({ op, runes }: Instruction): number {
  if (op === ALL_BUT_NEWLINE) return 2;
  if (op !== RUNE) return 1;
  let ranges = 0;
  for (let at = 0; at < runes.length; at += 2) if (runes[at]! <= 0xff) ranges++;
  return Math.max(1, ranges);
}
