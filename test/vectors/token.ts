import type { AuthzCondition, Clause, MetadataMatch, RequestPrincipalMatch } from '#model/authz.ts';
import type { StringMatch } from '#model/match.ts';
import { TOKEN_FILTER, TOKEN_PAYLOAD, type Metadata, type MetadataMap, type MetadataValue } from '#model/metadata.ts';
import { requestPrincipalMatch } from '#translate/authz-value.ts';
import type { Dice } from './dice.ts';

// Tokens, and what policies ask of them: issuers and subjects with slashes in every place, claims that are lists, texts,
// and everything that is neither.

const ISSUERS = ['https://iss', 'https://iss/a', 'https:', 'iss', 'iss-b', 'https://iss/a/b'];
const SUBJECTS = ['sub', 'sub-1', 'a/b/c', 'b/c', 'c', '', 'xsub', 'é'];
const TEXTS = ['admin', 'adm', 'Admin', 'admin user', 'guest', '', 'x-admin', 'é', 'admin,guest'];
const CLAIMS: readonly (readonly string[])[] = [
  ['groups'],
  ['group'],
  ['role'],
  ['aud'],
  ['azp'],
  ['realm'],
  ['realm', 'roles'],
  ['realm', 'name'],
  ['https://x.y/claim'],
];
/** A filter of Envoy's, and what it may have left. */
export const OTHER_FILTER = 'envoy.filters.http.other';
export const OTHER_KEY = 'kept';

export const text = (dice: Dice): string => dice.pick(TEXTS);

/** As a policy writes it, whole or with a star at either end. */
export function principalMatch(dice: Dice): RequestPrincipalMatch {
  const whole = `${dice.pick(ISSUERS)}/${dice.pick(SUBJECTS)}`;
  const cut = dice.below(whole.length);
  switch (dice.below(8)) {
    case 0:
      return requestPrincipalMatch('*');
    case 1:
    case 2:
      return requestPrincipalMatch(`${whole.slice(0, cut)}*`);
    case 3:
    case 4:
      return requestPrincipalMatch(`*${whole.slice(cut)}`);
    case 5:
      return requestPrincipalMatch(dice.pick(ISSUERS));
    default:
      return requestPrincipalMatch(whole);
  }
}

export const claimCondition = (dice: Dice, values: Clause<StringMatch>): AuthzCondition => ({
  key: 'claim',
  claim: dice.pick(CLAIMS),
  values,
});

export const metadataCondition = (values: Clause<MetadataMatch>): AuthzCondition => ({
  key: 'metadata',
  filter: OTHER_FILTER,
  name: OTHER_KEY,
  values,
});

/** What Envoy knows of a request: nothing, the payload of a token, what another filter left. */
export function metadata(dice: Dice): Metadata | undefined {
  if (dice.chance(35)) return undefined;
  return {
    ...(dice.chance(85) && { [TOKEN_FILTER]: { [TOKEN_PAYLOAD]: payload(dice) } }),
    ...(dice.chance(30) && { [OTHER_FILTER]: { [OTHER_KEY]: value(dice, 2) } }),
  };
}

function payload(dice: Dice): MetadataMap {
  const claims: Record<string, MetadataValue> = {};
  if (dice.chance(90)) claims['iss'] = dice.pick(ISSUERS);
  if (dice.chance(90)) claims['sub'] = dice.chance(95) ? dice.pick(SUBJECTS) : value(dice, 1);
  for (const [name = '', within] of CLAIMS) {
    if (dice.chance(40)) claims[name] = within === undefined ? value(dice, 2) : { [within]: value(dice, 1), x: 1 };
  }
  return claims;
}

function value(dice: Dice, depth: number): MetadataValue {
  switch (dice.below(depth > 0 ? 12 : 8)) {
    case 0:
      return 1.5;
    case 1:
      return true;
    case 2:
      return null;
    case 8:
    case 9:
    case 10:
      return dice.several(0, 3, () => value(dice, depth - 1));
    case 11:
      return { [text(dice)]: value(dice, depth - 1), admin: 1 };
    default:
      return text(dice);
  }
}

/** The same metadata with this value at this place. */
export function withValue(
  all: Metadata | undefined,
  [first = '', ...rest]: readonly string[],
  put: MetadataValue,
): Metadata {
  const within = (map: MetadataValue | undefined, path: readonly string[]): MetadataValue => {
    const [key, ...deeper] = path;
    if (key === undefined) return put;
    const old = typeof map === 'object' && map !== null && !Array.isArray(map) ? (map as MetadataMap) : {};
    return { ...old, [key]: within(old[key], deeper) };
  };
  return { ...all, [first]: within(all?.[first], rest) as MetadataMap };
}
