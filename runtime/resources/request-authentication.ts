import { istioDuration } from './duration.ts';
import { jwksError } from './jwks.ts';
import type { KindDefinition } from './kind.ts';
import { policyTargetFields, type PolicyTargets, validateTargets } from './policy-target.ts';
import type { Resource } from './resource.ts';
import { Report } from './schema/report.ts';
import * as s from './schema.ts';

const printable = (text: string): boolean => !/\p{Cc}/u.test(text);

const headerName = s.string({
  max: 256,
  format: ['the name of a header', (text) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(text)],
});
const text = s.string({ min: 1, max: 2048, format: ['a text without control characters', printable] });
const prefix = s.string({ max: 256, format: ['a text without control characters', printable] });
/** In the query and in cookies nothing may stand that ends a name there. */
const locationName = s.string({ min: 1, max: 256, format: ['a name', (name) => /^[^\s;,=&?#\p{Cc}]+$/u.test(name)] });

const jwksUri = s.string({
  max: 2048,
  format: ['an http or https URL without a user, such as https://issuer.example/jwks.json', isUri],
});

function isUri(uri: string): boolean {
  if (uri === '') return true;
  if (!printable(uri) || !URL.canParse(uri)) return false;
  const { protocol, hostname, username, password } = new URL(uri);
  return (protocol === 'https:' || protocol === 'http:') && hostname !== '' && username + password === '';
}

/** Keys are never part of a message. */
const jwks = s.check(s.string({ max: 2_097_152 }), (value, report) => {
  const message = value === '' ? undefined : jwksError(value);
  if (message === undefined) return;
  const expected = 'a JSON Web Key Set with a public key: {"keys": [{"kty": …}]}';
  report.add({ code: 'PTL1701', level: 'error', message: `jwks is not a key set: ${message}`, expected });
});

const jwtRule = s.object({
  issuer: s.required(text),
  audiences: s.list(text),
  jwks,
  jwksUri,
  /** The same in the form of protobuf, which the API takes too. */
  jwks_uri: jwksUri,
  fromHeaders: s.list(s.object({ name: s.required(headerName), prefix })),
  fromParams: s.list(locationName),
  fromCookies: s.list(locationName),
  outputPayloadToHeader: headerName,
  outputClaimToHeaders: s.list(s.object({ header: s.required(headerName), claim: s.required(text) })),
  forwardOriginalToken: s.boolean(),
  timeout: s.string({ format: istioDuration }),
  spaceDelimitedClaims: s.list(text, { max: 64 }),
});

export type JwtRuleSpec = s.Infer<typeof jwtRule>;

const spec = s.object({
  ...policyTargetFields,
  jwtRules: s.list(s.check(jwtRule, oneKeySource), { max: 4096 }),
});

export type RequestAuthentication = Resource<'RequestAuthentication', s.Infer<typeof spec>>;

export const requestAuthentication = {
  kind: 'RequestAuthentication',
  group: 'security.istio.io',
  versions: ['v1', 'v1beta1'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({
    spec: s.withDefault(s.check(spec, ofOwnNamespace), { jwtRules: [], targetRefs: [] }),
    status: s.ignored(),
  }),
} satisfies KindDefinition<'RequestAuthentication'>;

/** Istio knows no other targets of it, and tokens are checked before there is a route. */
function ofOwnNamespace(targets: PolicyTargets, report: Report): void {
  validateTargets(targets, { routes: false, namespaces: false }, report);
}

function oneKeySource(rule: JwtRuleSpec, report: Report): void {
  const given = (['jwks', 'jwksUri', 'jwks_uri'] as const).filter((field) => rule[field]);
  if (given.length > 1) {
    const message = 'only one of jwks and jwksUri can be set';
    report.add({ code: 'PTL1106', level: 'error', message, came: given.join(' and '), next: 'remove one' });
  }
  if (rule.timeout !== undefined && /^[0.hmsnuµ]+$/.test(rule.timeout)) {
    report.add(
      { code: 'PTL1104', level: 'error', message: 'a timeout must be at least 1ms', came: rule.timeout },
      'timeout',
    );
  }
}

/** What can be read of the rules of a RequestAuthentication that is not valid: enough to know where its tokens are. */
export function readableJwtRules(raw: unknown): readonly Partial<JwtRuleSpec>[] {
  const rules = (raw as { readonly spec?: { readonly jwtRules?: unknown } | null } | null)?.spec?.jwtRules;
  if (!Array.isArray(rules)) return [];
  return rules.flatMap((rule: unknown) => jwtRule.read(rule, new Report()) ?? []);
}
