import type { Cidr, StringMatch } from '#model/match.ts';
import { addressBlock, type AddressBlock } from '../authz/address.ts';
import { parseGlob } from '../authz/glob.ts';
import { folded, language, literal, many, one, type Class, type Language } from './language.ts';

/** A value of a policy, with how it is written there. Two with the same key match the same. */
export type Value = { readonly key: string; readonly written: string } & (
  | { readonly kind: 'text'; readonly language: Language }
  | { readonly kind: 'block'; readonly block: AddressBlock }
  | { readonly kind: 'number'; readonly number: number }
);

export function block(cidr: Cidr): Value | undefined {
  const found = addressBlock(cidr);
  return (
    found && {
      kind: 'block',
      key: `${found.family} ${found.first}/${found.length}`,
      written: `${cidr.address}/${cidr.length}`,
      block: found,
    }
  );
}

export const number = (one: number): Value => ({
  kind: 'number',
  key: String(one),
  written: String(one),
  number: one,
});

/** As a policy writes it; the scheme of an identity is not written. */
export function writtenOf(match: StringMatch): string {
  if (match.kind === 'present') return '*';
  const text = match.value.replace(/^spiffe:\/\//, '');
  return match.kind === 'prefix' ? `${text}*` : match.kind === 'suffix' ? `*${text}` : text;
}

export const keyOf = (match: StringMatch): string => `${match.kind} ${match.kind === 'present' ? '' : match.value}`;

export function plainText(match: StringMatch): Value | undefined {
  const steps = stepsOf(match, literal, 'any');
  return steps && { kind: 'text', key: keyOf(match), written: writtenOf(match), language: language(steps) };
}

export function hostText(match: StringMatch): Value | undefined {
  const lower = match.kind === 'present' ? match : { ...match, value: match.value.toLowerCase() };
  const steps = stepsOf(lower, folded, 'any');
  const key = `folded ${keyOf(lower)}`;
  return steps && { kind: 'text', key, written: writtenOf(match), language: language(steps) };
}

/** The path ends where the query begins. */
export function pathText(match: StringMatch): Value | undefined {
  const common = { kind: 'text', key: `path ${keyOf(match)}`, written: writtenOf(match) } as const;
  // No path holds what ends it.
  if (match.kind !== 'present' && /[?#]/.test(match.value)) return { ...common, language: NOTHING };
  const steps = stepsOf(match, literal, 'unqueried');
  return steps && { ...common, language: language(steps, [...literal('?'), many('any')]) };
}

/** No text belongs to it. */
export const NOTHING: Language = { steps: [], ends: [false] };

/** A part of an identity holds no slash: a value that does matches none. */
const holdsSlash = (match: StringMatch): boolean => match.kind !== 'present' && match.value.includes('/');

export function namespaceText(match: StringMatch, where: 'first' | 'anywhere'): Value | undefined {
  const steps = stepsOf(match, literal, 'unslashed');
  const before = where === 'first' ? TRUST_DOMAIN : [many('any')];
  const common = { kind: 'text', key: `namespace ${where} ${keyOf(match)}`, written: writtenOf(match) } as const;
  if (steps !== undefined && holdsSlash(match)) return { ...common, language: NOTHING };
  return (
    steps && {
      ...common,
      language: language([...before, ...literal('/ns/'), ...steps, ...literal('/'), many('any')]),
    }
  );
}

const TRUST_DOMAIN = [...literal('spiffe://'), one('unslashed'), many('unslashed')];

/**
 * `namespace/account`, exactly. Identities that are made to be read in several ways do not come in (domain.ts), so
 * that what counts for a rule and what counts against it is one and the same.
 */
export function serviceAccountText(match: StringMatch): Value | undefined {
  if (match.kind !== 'exact') return undefined;
  const common = { kind: 'text', key: `account ${match.value}`, written: match.value } as const;
  const [namespace, account = '', more] = match.value.split('/');
  if (namespace === undefined || account === '' || more !== undefined) return { ...common, language: NOTHING };
  return { ...common, language: language([...TRUST_DOMAIN, ...literal(`/ns/${namespace}/sa/${account}`)]) };
}

export function trustDomainText(match: StringMatch): Value | undefined {
  const steps = stepsOf(match, literal, 'unslashed');
  const common = { kind: 'text', key: `domain ${keyOf(match)}`, written: writtenOf(match) } as const;
  if (steps !== undefined && holdsSlash(match)) return { ...common, language: NOTHING };
  return steps && { ...common, language: language([...literal('spiffe://'), ...steps, ...literal('/'), many('any')]) };
}

export type Steps = ReturnType<typeof literal>;

/** How a match reads a text; undefined for a regular expression that is more than texts and `.*`. */
export function stepsOf(match: StringMatch, textOf: (text: string) => Steps, free: Class): Steps | undefined {
  switch (match.kind) {
    case 'exact':
      return textOf(match.value);
    case 'prefix':
      return [...textOf(match.value), many(free)];
    case 'suffix':
      return [many(free), ...textOf(match.value)];
    case 'present':
      return [one(free), many(free)];
    case 'template':
      return match.value.split(/(\{\*\*\}|\{\*\})/).flatMap((part) => {
        if (part === '{*}') return [one('segment'), many('segment')];
        return part === '{**}' ? [many('segments')] : textOf(part);
      });
    case 'regex':
      return parseGlob(match.value)?.flatMap((piece, at) =>
        at === 0 ? textOf(piece) : [many(free), ...textOf(piece)],
      );
  }
}
