import type { Clause } from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { addressBlock, inBlock } from './address.ts';

// What it means that one value of a policy matches one value of a request: for the reference evaluator, plainly.

/** Characters that `{*}` and `{**}` stand for: pchar of RFC 3986, as Envoy's matcher has it (measured on 1.40). */
const TEMPLATE_CHARACTER = "[a-zA-Z0-9\\-._~%!$&'()*+,;=:@]";
const TEMPLATE_CHARACTER_OR_SLASH = "[a-zA-Z0-9\\-._~%!$&'()*+,;=:@/]";

/** A text matches one value of a policy. The comparison is of whole texts and minds case. */
export function textMatches(match: StringMatch, text: string): boolean {
  switch (match.kind) {
    case 'exact':
      return text === match.value;
    case 'prefix':
      return text.startsWith(match.value);
    case 'suffix':
      return text.endsWith(match.value);
    case 'present':
      return text !== '';
    case 'regex':
      return new RegExp(`^(?:${match.value})$`, 's').test(text);
    case 'template':
      return templateExpression(match.value).test(text);
  }
}

/** Clause of texts: a value that is absent matches nothing, so it fails `any` and satisfies `none`. */
export function textsHold(clause: Clause<StringMatch>, text: string | undefined): boolean {
  return linesHold(clause, text === undefined ? [] : [text]);
}

/** Clause of a header: any line that matches any value counts, also for `none`. */
export function linesHold(clause: Clause<StringMatch>, lines: readonly string[]): boolean {
  return anyHolds(clause, (value) => lines.some((line) => textMatches(value, line)));
}

/** One of the values that are asked for matches, and none of those that must not be. */
export function anyHolds<T>({ any, none }: Clause<T>, matches: (value: T) => boolean): boolean {
  return (any.length === 0 || any.some(matches)) && !none.some(matches);
}

/** Clause of address blocks. An address that cannot be read is in no block. */
export function addressHolds(clause: Clause<Cidr>, address: string): boolean {
  const one = addressBlock({ address, length: address.includes(':') ? 128 : 32 });
  const contains = (cidr: Cidr): boolean => {
    const block = addressBlock(cidr);
    return one !== undefined && block !== undefined && inBlock(one, block);
  };
  return anyHolds(clause, contains);
}

export function portHolds({ any, none }: Clause<number>, port: number): boolean {
  return (any.length === 0 || any.includes(port)) && !none.includes(port);
}

/** The same clause with its texts in lower case: ASCII only, as Envoy compares hosts. */
export function lowerCased({ any, none }: Clause<StringMatch>): Clause<StringMatch> {
  const lower = (match: StringMatch): StringMatch =>
    match.kind === 'present' ? match : { ...match, value: asciiLowerCase(match.value) };
  return { any: any.map(lower), none: none.map(lower) };
}

export function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** `{*}` is one segment that is not empty, `{**}` any number of characters and slashes; the rest is literal. */
function templateExpression(template: string): RegExp {
  const source = template
    .split(/(\{\*\*\}|\{\*\})/)
    .map((part) => {
      if (part === '{*}') return `${TEMPLATE_CHARACTER}+`;
      if (part === '{**}') return `${TEMPLATE_CHARACTER_OR_SLASH}*`;
      return part.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}$`);
}
