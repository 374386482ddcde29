import type { Domain } from './domain.ts';
import {
  accepts,
  advance,
  begin,
  classesOf,
  isSettled,
  named,
  onlyNext,
  type Language,
  type Progress,
} from './language.ts';

/**
 * One of the finitely many parts into which the values of policies cut the values of an attribute: to every policy all
 * values of a cell are alike.
 */
export interface Cell<T> {
  /** A value of the cell: the plainest that was found. */
  readonly value: T;
  /** Numbers of the values of policies that it matches, ascending. */
  readonly matches: readonly number[];
}

export interface Cells<T> {
  /** Plainest first. */
  readonly cells: readonly Cell<T>[];
  /** No other cell can occur. */
  readonly complete: boolean;
}

/** Steps after which looking for cells of one attribute is given up. */
const MOST_STEPS = 400_000;

/**
 * All cells of a text. `plain` values stand for their cells when they are of a domain, the first ones first; domains are
 * looked through one after the other.
 */
export function textCells(
  languages: readonly Language[],
  domains: readonly Domain[],
  plain: readonly string[],
): Cells<string> {
  const found = new Map<string, Cell<string>>();
  const keep = (value: string, matches: readonly number[]): void => {
    const key = matches.join();
    if (!found.has(key)) found.set(key, { value, matches });
  };
  for (const value of plain) {
    if (domains.some((domain) => isOf(domain, value))) keep(value, matching(languages, value));
  }
  let complete = true;
  for (const domain of domains) complete = explore(languages, domain, keep) && complete;
  return { cells: [...found.values()], complete };
}

/** The value can occur. */
export function isOf(domain: Domain, value: string): boolean {
  let state: string | undefined = '';
  for (let i = 0; i < value.length && state !== undefined; i++) state = domain.next(state, value.charAt(i));
  return state !== undefined && domain.ends(state);
}

function matching(languages: readonly Language[], value: string): readonly number[] {
  let now = first(languages);
  for (let i = 0; i < value.length; i++) now = step(now, value.charAt(i), languages);
  return matched(now, languages);
}

/** How far one text has come in all languages at once. */
interface Now {
  /** Languages that it belongs to however it goes on. */
  readonly settled: readonly number[];
  /** Languages that it may still belong to. */
  readonly open: readonly (readonly [language: number, progress: Progress])[];
}

const first = (languages: readonly Language[]): Now =>
  sorted(
    languages.map((each, number) => [number, begin(each)] as const),
    [],
    languages,
  );

function sorted(open: Now['open'], settled: readonly number[], languages: readonly Language[]): Now {
  const done = open.filter(([number, progress]) => isSettled(languages[number]!, progress)).map(([number]) => number);
  if (done.length === 0) return { open, settled };
  const still = open.filter(([number]) => !done.includes(number));
  return { open: still, settled: [...settled, ...done].sort((a, b) => a - b) };
}

function step({ settled, open }: Now, character: string, languages: readonly Language[]): Now {
  const next: (readonly [number, Progress])[] = [];
  for (const [number, progress] of open) {
    const on = advance(languages[number]!, progress, character);
    if (on.length > 0) next.push([number, on]);
  }
  return sorted(next, settled, languages);
}

function matched({ settled, open }: Now, languages: readonly Language[]): readonly number[] {
  const ended = open.filter(([number, progress]) => accepts(languages[number]!, progress)).map(([number]) => number);
  return [...settled, ...ended].sort((a, b) => a - b);
}

interface Node {
  readonly text: string;
  readonly state: string;
  readonly now: Now;
}

/**
 * Goes through all texts of a domain, shortest first, but only through one of those that all languages and the domain
 * are at the same point with. Returns whether it came to the end.
 */
function explore(
  languages: readonly Language[],
  domain: Domain,
  keep: (value: string, matches: readonly number[]) => void,
): boolean {
  const blocks = alike(domain);
  const seen = new Set<string>();
  let level: Node[] = [{ text: '', state: '', now: first(languages) }];
  let steps = 0;
  while (level.length > 0) {
    const next: Node[] = [];
    for (const { text, state, now } of level) {
      if (domain.ends(state)) keep(text, matched(now, languages));
      const { byCharacter, others } = split(now, languages);
      for (const character of candidates(now, languages, blocks, domain.needs(state))) {
        const on = domain.next(state, character);
        if (on === undefined) continue;
        const those = byCharacter.get(character);
        const open = those === undefined ? others : [...others, ...those].sort(([a], [b]) => a - b);
        const reached = step({ settled: now.settled, open }, character, languages);
        steps += 1 + open.length / 16;
        const key = keyOf(on, reached);
        if (seen.has(key)) continue;
        seen.add(key);
        next.push({ text: text + character, state: on, now: reached });
      }
      if (steps > MOST_STEPS) return false;
    }
    level = next;
  }
  return true;
}

/** Languages of which one character leads on, by that character: of ten thousand names few go on with the same. */
function split({ open }: Now, languages: readonly Language[]) {
  const byCharacter = new Map<string, Now['open'][number][]>();
  const others: Now['open'][number][] = [];
  for (const each of open) {
    const next = onlyNext(languages[each[0]]!, each[1]);
    if (next === undefined) others.push(each);
    else {
      for (const character of next) {
        const those = byCharacter.get(character);
        if (those === undefined) byCharacter.set(character, [each]);
        else those.push(each);
      }
    }
  }
  return { byCharacter, others };
}

const keyOf = (state: string, { settled, open }: Now): string => {
  let key = `${state} ${settled.join()}`;
  for (const [number, progress] of open) key += `;${number}:${progress.join()}`;
  return key;
};

/** Characters that are the same to every class and to the domain, each block in the domain's order. */
function alike({ characters, kind }: Domain): readonly (readonly string[])[] {
  const blocks = new Map<string, string[]>();
  for (const character of characters) {
    const key = kind(character) + classesOf(character);
    const block = blocks.get(key);
    if (block === undefined) blocks.set(key, [character]);
    else if (!block.includes(character)) block.push(character);
  }
  return [...blocks.values()];
}

/** The characters that somebody names here, and of every block one that nobody names. */
function candidates(
  { open }: Now,
  languages: readonly Language[],
  blocks: readonly (readonly string[])[],
  needs: string,
): readonly string[] {
  const names = new Set<string>();
  for (const [number, progress] of open) for (const each of named(languages[number]!, progress)) names.add(each);
  const chosen = new Set<string>();
  for (const block of blocks) {
    const free = block.find((character) => !names.has(character));
    if (free !== undefined) chosen.add(free);
  }
  for (const character of names) chosen.add(character);
  for (const character of needs) chosen.add(character);
  return [...chosen];
}
