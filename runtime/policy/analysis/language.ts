/**
 * Sets of texts that values of policies stand for, in a form in which many can be followed at once, character by
 * character. Every kind of value that a policy can have is a chain: of characters or classes of them, some repeated.
 */

/** Characters that a step takes: any of a text (a letter in both of its cases), or of a class. */
type Characters = { readonly kind: 'literal'; readonly text: string } | { readonly kind: 'class'; readonly of: Class };

interface Step {
  readonly takes: Characters;
  /** Taken any number of times, also not at all. */
  readonly loop: boolean;
}

export interface Language {
  readonly steps: readonly Step[];
  /** By position: whether a text may end there. One longer than `steps`. */
  readonly ends: readonly boolean[];
}

export type Class = keyof typeof CLASSES;

/** What `{*}` and `{**}` stand for: pchar of RFC 3986, as Envoy's matcher has it. */
const PCHAR = /[a-zA-Z0-9\-._~%!$&'()*+,;=:@]/;

const CLASSES = {
  any: () => true,
  unqueried: (character: string) => character !== '?' && character !== '#',
  unslashed: (character: string) => character !== '/',
  segment: (character: string) => PCHAR.test(character),
  segments: (character: string) => character === '/' || PCHAR.test(character),
} as const satisfies Record<string, (character: string) => boolean>;

/** What every class says of a character: characters with the same are alike but where one is named. */
export const classesOf = (character: string): string =>
  Object.values(CLASSES)
    .map((has) => (has(character) ? '1' : '0'))
    .join('');

export const one = (of: Class): Step => ({ takes: { kind: 'class', of }, loop: false });
export const many = (of: Class): Step => ({ takes: { kind: 'class', of }, loop: true });

/** A text, a step a character. */
export const literal = (text: string): Step[] =>
  text.split('').map((character) => ({ takes: { kind: 'literal', text: character }, loop: false }));

/** A text in any mixture of cases; ASCII alone, as Envoy compares hosts. */
export const folded = (text: string): Step[] =>
  text.split('').map((character) => {
    const cases = /[a-z]/i.test(character) ? character.toLowerCase() + character.toUpperCase() : character;
    return { takes: { kind: 'literal', text: cases }, loop: false };
  });

/** All texts that go through the steps; those that go on with `tail` as well, if there is one. */
export function language(steps: readonly Step[], tail: readonly Step[] = []): Language {
  const ends = Array.from({ length: steps.length + tail.length + 1 }, (_, at) => at === steps.length);
  ends[ends.length - 1] = true;
  return { steps: [...steps, ...tail], ends };
}

/** Where in a language the text so far may be: ascending positions. Empty: no text that goes on so belongs to it. */
export type Progress = readonly number[];

const start = new WeakMap<Language, Progress>();

export function begin(of: Language): Progress {
  let progress = start.get(of);
  if (progress === undefined) start.set(of, (progress = onwards(of, [0])));
  return progress;
}

export function advance(of: Language, progress: Progress, character: string): Progress {
  const next: number[] = [];
  for (const at of progress) {
    const step = of.steps[at];
    if (step === undefined || !takes(step.takes, character)) continue;
    const to = step.loop ? at : at + 1;
    if (next.at(-1) !== to) next.push(to);
  }
  return next.length === 0 ? next : onwards(of, next);
}

/** The text so far belongs to it. */
export const accepts = (of: Language, progress: Progress): boolean => progress.some((at) => of.ends[at] === true);

/** Every text that goes on from here belongs to it. */
export function isSettled(of: Language, progress: Progress): boolean {
  const last = of.steps.length;
  const step = of.steps[last - 1];
  return progress.includes(last) && step !== undefined && isAny(step) && progress.includes(last - 1);
}

const isAny = ({ takes, loop }: Step): boolean => loop && takes.kind === 'class' && takes.of === 'any';

/** The characters that are named where the text so far may go on. */
export function named(of: Language, progress: Progress): string {
  let text = '';
  for (const at of progress) {
    const takes = of.steps[at]?.takes;
    if (takes?.kind === 'literal') text += takes.text;
  }
  return text;
}

/** A single position before a named character: nothing but that character leads on. */
export function onlyNext(of: Language, progress: Progress): string | undefined {
  const [at, more] = progress;
  const step = more === undefined && at !== undefined ? of.steps[at] : undefined;
  return step?.takes.kind === 'literal' && !step.loop ? step.takes.text : undefined;
}

function takes(characters: Characters, character: string): boolean {
  return characters.kind === 'literal' ? characters.text.includes(character) : CLASSES[characters.of](character);
}

/** With the positions after steps that need not be taken. */
function onwards({ steps }: Language, positions: readonly number[]): Progress {
  const all = new Set<number>();
  for (const position of positions) {
    for (let at = position; !all.has(at); at++) {
      all.add(at);
      if (steps[at]?.loop !== true) break;
    }
  }
  return [...all].sort((a, b) => a - b);
}
