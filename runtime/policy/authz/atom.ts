import type { Cidr, StringMatch } from '#model/match.ts';
import { addressBlock, type AddressBlock } from './address.ts';
import { parseGlob } from './glob.ts';
import { parseTemplate, type Segment } from './template.ts';

/** What one value of a policy asks of an attribute. Texts are binary strings: one character a byte of UTF-8. */
export type Match =
  | { readonly kind: 'exact' | 'prefix' | 'suffix'; readonly value: string }
  | { readonly kind: 'present' }
  | { readonly kind: 'template'; readonly value: string; readonly segments: readonly Segment[] }
  | { readonly kind: 'glob'; readonly pieces: readonly string[] }
  | { readonly kind: 'block'; readonly block: AddressBlock };

/**
 * How a text is compared; undefined when that cannot be expressed (a regular expression that is no glob, a template that
 * is not well-formed): the caller then takes it for a value that might match, or might not, whichever denies.
 */
export function textMatch(match: StringMatch, lowerCase: boolean): Match | undefined {
  switch (match.kind) {
    case 'exact':
    case 'prefix':
    case 'suffix':
      return { kind: match.kind, value: binary(lowerCase ? asciiLowerCase(match.value) : match.value) };
    case 'present':
      return PRESENT;
    case 'template': {
      const value = binary(match.value);
      const segments = parseTemplate(value);
      return segments && { kind: 'template', value, segments };
    }
    case 'regex': {
      const pieces = parseGlob(binary(lowerCase ? asciiLowerCase(match.value) : match.value));
      return pieces && { kind: 'glob', pieces };
    }
  }
}

const PRESENT: Match = { kind: 'present' };

export function blockMatch(cidr: Cidr): Match | undefined {
  const block = addressBlock(cidr);
  return block && { kind: 'block', block };
}

/** A text that two matches have in common only if they are the same. */
export function matchKey(match: Match): string {
  switch (match.kind) {
    case 'exact':
      return `=${match.value}`;
    case 'prefix':
      return `>${match.value}`;
    case 'suffix':
      return `<${match.value}`;
    case 'present':
      return '*';
    case 'template':
      return `/${match.value}`;
    case 'glob':
      return `~${JSON.stringify(match.pieces)}`;
    case 'block':
      return `${match.block.family} ${match.block.first}/${match.block.length}`;
  }
}

const asciiLowerCase = (value: string): string => value.replace(/[A-Z]+/g, (upper) => upper.toLowerCase());

const encoder = new TextEncoder();

/** A text's bytes as a string of characters below 256. */
export function binary(value: string): string {
  for (let i = 0; i < value.length; i++) {
    if (value.charCodeAt(i) < 128) continue;
    return Array.from(encoder.encode(value), (byte) => String.fromCharCode(byte)).join('');
  }
  return value;
}
