import type { RequestPrincipalMatch } from '#model/authz.ts';
import type { StringMatch } from '#model/match.ts';
import type { Metadata, MetadataMap, MetadataValue } from '#model/metadata.ts';
import { requestPrincipalAtom } from '../authz/request-principal.ts';
import { SPACED, tokenMetadata } from '../authz/token.ts';
import { PRINTED, type Domain } from './domain.ts';
import { language, literal, many } from './language.ts';
import { keyOf, NOTHING, stepsOf, writtenOf, type Value } from './value.ts';

// What the token of a request says, as attributes. Issuer and subject are one attribute, since policies ask for both at
// once: a text of what there is of them, with marks between. Every other claim is an attribute of its own.

export const REQUEST_PRINCIPAL = 'request principal';

/** Before the issuer, after it (there or not), and before the subject. */
const [ISSUER, END, SUBJECT] = ['\u0001', '\u0002', '\u0003'] as const;

const MARKS = [ISSUER, END, SUBJECT];

const hasMark = (match: StringMatch): boolean =>
  match.kind !== 'present' && MARKS.some((mark) => match.value.includes(mark));

export const NO_TOKEN = END;

export const tokenText = (issuer: string, subject: string): string => ISSUER + issuer + END + SUBJECT + subject;

/** What an attribute says of issuer and subject. In a verified token each is a text or absent: Envoy takes no other. */
export const principalToken: Domain = {
  characters: `${PRINTED} `,
  kind: (character) => (MARKS.includes(character as typeof ISSUER) ? character : 'p'),
  ends: (state) => state === 'end' || state === 'subject',
  next(state, character) {
    switch (character) {
      case ISSUER:
        return state === '' ? 'issuer' : undefined;
      case END:
        return state === '' || state === 'issuer' ? 'end' : undefined;
      case SUBJECT:
        return state === 'end' ? 'subject' : undefined;
      default:
        return state === 'issuer' || state === 'subject' ? state : undefined;
    }
  },
  needs: (state) => ({ '': ISSUER + END, issuer: END, end: SUBJECT })[state] ?? '',
};

/** Undefined for what no filter can compare: it decides as if that could not be understood. */
export function requestPrincipalText(match: RequestPrincipalMatch): Value | undefined {
  const { issuer, subject } = match;
  if (requestPrincipalAtom(match) === undefined || hasMark(issuer) || hasMark(subject)) return undefined;
  const isEmpty = 'value' in issuer && issuer.value === '';
  // Nobody is spoken of by an issuer without a name.
  const named: StringMatch = isEmpty && issuer.kind !== 'exact' ? { kind: 'present' } : issuer;
  const before = stepsOf(named, literal, 'unmarked');
  const after = stepsOf(subject, literal, 'any');
  if (before === undefined || after === undefined) return undefined;
  return {
    kind: 'text',
    key: `principal ${keyOf(issuer)}${END}${keyOf(subject)}`,
    written: `${writtenOf(issuer)}/${writtenOf(subject)}`,
    language:
      isEmpty && issuer.kind === 'exact'
        ? NOTHING
        : language([...literal(ISSUER), ...before, ...literal(END + SUBJECT), ...after]),
  };
}

/** Claims that are of the principal, and how they are read in its text. */
export const CLAIMS_OF_PRINCIPAL: Readonly<Record<string, (match: StringMatch) => Value | undefined>> = {
  iss(match) {
    const steps = hasMark(match) ? undefined : stepsOf(match, literal, 'unmarked');
    return (
      steps && {
        kind: 'text',
        key: `iss ${keyOf(match)}`,
        written: writtenOf(match),
        language: language([...literal(ISSUER), ...steps, ...literal(END), many('any')]),
      }
    );
  },
  sub(match) {
    const steps = hasMark(match) ? undefined : stepsOf(match, literal, 'any');
    return (
      steps && {
        kind: 'text',
        key: `sub ${keyOf(match)}`,
        written: writtenOf(match),
        language: language([many('any'), ...literal(END + SUBJECT), ...steps]),
      }
    );
  },
};

const CLAIM = 'claim ';

export const claimAttribute = (claim: readonly string[]): string => CLAIM + JSON.stringify(claim);

const claimOf = (attribute: string): readonly string[] | undefined =>
  attribute.startsWith(CLAIM) ? (JSON.parse(attribute.slice(CLAIM.length)) as readonly string[]) : undefined;

/** The metadata of a request whose token has these values; undefined: it has none. */
export function tokenOf(values: ReadonlyMap<string, readonly string[]>): Metadata | undefined {
  const [before = '', after = ''] = (values.get(REQUEST_PRINCIPAL)?.[0] ?? '').split(END);
  const issuer = before.startsWith(ISSUER) ? before.slice(1) : undefined;
  const subject = after.startsWith(SUBJECT) ? after.slice(1) : undefined;
  let claims: MetadataMap = {
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(subject === undefined ? {} : { sub: subject }),
  };
  for (const [attribute, texts] of values) {
    const claim = claimOf(attribute);
    const [text] = texts;
    if (claim === undefined || text === undefined) continue;
    // Envoy makes a list of a scope: as a list it is what it is.
    const isOne = texts.length === 1 && !(claim.length === 1 && SPACED.includes(claim[0]!));
    claims = having(claims, claim, isOne ? text : texts);
  }
  return Object.keys(claims).length === 0 ? undefined : tokenMetadata(claims);
}

function having(map: MetadataMap, [name = '', ...within]: readonly string[], value: MetadataValue): MetadataMap {
  const before = Object.hasOwn(map, name) ? map[name] : undefined;
  if (within.length === 0) return before === undefined ? { ...map, [name]: value } : map;
  const isMap = typeof before === 'object' && before !== null && !Array.isArray(before);
  return { ...map, [name]: having(isMap ? (before as MetadataMap) : {}, within, value) };
}
