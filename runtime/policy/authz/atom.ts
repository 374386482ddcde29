import type { Cidr, StringMatch } from '#model/match.ts';
import { addressBlock, type AddressBlock } from './address.ts';
import { parseGlob } from './glob.ts';
import { parseTemplate, type Segment } from './template.ts';

/** What one value of a policy asks of an attribute. Texts are binary strings: one character a byte of UTF-8. */
export type Match =
  | { readonly kind: 'exact' | 'prefix' | 'suffix'; readonly value: string }
  | { readonly kind: 'present' }
  | { readonly kind: 'template'; readonly segments: readonly Segment[] }
  | { readonly kind: 'glob'; readonly pieces: readonly string[] }
  | { readonly kind: 'block'; readonly block: AddressBlock };

/** A match with the text that it is known by: equal matches have equal keys. */
export interface Atom {
  readonly key: string;
  readonly match: Match;
}

/**
 * The atom of a value; undefined when there is none for it (a regular expression that is no glob, a template that is
 * not well-formed): the caller then takes it for a value that might match, or might not, whichever denies.
 */
export function textAtom(match: StringMatch, lowerCase: boolean): Atom | undefined {
  switch (match.kind) {
    case 'exact':
    case 'prefix':
    case 'suffix': {
      const value = binary(lowerCase ? asciiLowerCase(match.value) : match.value);
      return { key: `${match.kind} ${value}`, match: { kind: match.kind, value } };
    }
    case 'present':
      return PRESENT;
    case 'template': {
      const segments = parseTemplate(binary(match.value));
      return segments && { key: `template ${binary(match.value)}`, match: { kind: 'template', segments } };
    }
    case 'regex': {
      const pieces = parseGlob(binary(lowerCase ? asciiLowerCase(match.value) : match.value));
      return pieces && { key: `glob ${JSON.stringify(pieces)}`, match: { kind: 'glob', pieces } };
    }
  }
}

const PRESENT: Atom = { key: 'present', match: { kind: 'present' } };

export function blockAtom(cidr: Cidr): Atom | undefined {
  const block = addressBlock(cidr);
  return block && { key: `block ${block.family} ${block.first}/${block.length}`, match: { kind: 'block', block } };
}

const asciiLowerCase = (value: string): string => value.replace(/[A-Z]+/g, (upper) => upper.toLowerCase());

const encoder = new TextEncoder();

/** A text's bytes as a string of characters below 256. */
export function binary(value: string): string {
  // oxlint-disable-next-line no-control-regex -- the range is ASCII, whole
  return /^[\x00-\x7f]*$/.test(value)
    ? value
    : Array.from(encoder.encode(value), (byte) => String.fromCharCode(byte)).join('');
}
