import {
  AUTHZ_CUSTOM,
  AUTHZ_PROVIDERS,
  AUTHZ_PROVIDER_COUNT,
  PROVIDER_ASKED,
  PROVIDER_SIZE,
  STATE_CUSTOM,
  STATE_PREFIX,
} from '#abi/authz.ts';
import type { AuthzPolicy, AuthzPolicySet } from '#model/authz.ts';
import { fnv1a } from '../hash.ts';
import type { ProgramReader } from '../program.ts';
import { Attributes } from './attribute.ts';
import type { AuthzTarget } from './conjunct.ts';
import { indexRules, rulesOf, type PossibleRule } from './possible-rule.ts';
import type { CustomSections } from './rule-index.ts';

/** The property that says that a provider is to be asked about a request. Envoy keeps it as filter state `wasm.…`. */
export const providerState = (provider: string): string => `${STATE_CUSTOM}.${provider}`;

/** What the property holds then. */
export const ASKED = PROVIDER_ASKED;

/**
 * Compiles the CUSTOM policies of one service port to the program that says which providers a request is put to.
 * Undefined: nobody is ever asked. Of a closed set nobody is: it denies every request anyway.
 */
export function compileCustom(set: AuthzPolicySet, target: AuthzTarget): Uint8Array<ArrayBuffer> | undefined {
  if (set.closed !== undefined) return undefined;
  const policies = set.policies.filter(({ action }) => action === 'CUSTOM');
  const attributes = new Attributes();
  const asked = providerRules(policies, target, attributes);
  if (asked.length === 0) return undefined;
  const index = indexRules(attributes, [[], [], ...asked.map(({ rules }) => rules)]);
  return index.write(policies, AUTHZ_CUSTOM, customOf(policies, asked));
}

/** The CUSTOM rules of one provider that can hold for some request to the target. */
export interface ProviderRules {
  readonly provider: string;
  readonly rules: readonly PossibleRule[];
}

/** Sorted by provider; those without a rule are left out. */
export function providerRules(
  policies: readonly AuthzPolicy[],
  target: AuthzTarget,
  attributes: Attributes,
): readonly ProviderRules[] {
  const providers = new Set(policies.flatMap(({ action, provider }) => (action === 'CUSTOM' ? [provider ?? ''] : [])));
  // As Istio builds them: what cannot be expressed must ask rather than not.
  const context = { action: 'DENY', target, attributes } as const;
  return [...providers].sort().flatMap((provider) => {
    const rules = rulesOf(policies, (one) => one.action === 'CUSTOM' && one.provider === provider, context);
    return rules.length === 0 ? [] : [{ provider, rules }];
  });
}

/** What a program says of the sections of its providers. */
export const customOf = (policies: readonly AuthzPolicy[], asked: readonly ProviderRules[]): CustomSections => ({
  states: asked.map(({ provider }) => `${STATE_PREFIX}${providerState(provider)}`),
  generation: asked.length === 0 ? 0 : generationOf(policies),
});

/** Tells one version of the CUSTOM policies from the next; never 0. */
const generationOf = (policies: readonly AuthzPolicy[]): number =>
  fnv1a(encoder.encode(JSON.stringify(policies.filter(({ action }) => action === 'CUSTOM')))) || 1;

const encoder = new TextEncoder();

export interface DecodedProvider {
  readonly name: string;
  /** The first conjunct that is not the provider's any more. */
  readonly end: number;
}

/** The providers of a program, in the order of their conjuncts. */
export function decodeProviders(reader: ProgramReader): readonly DecodedProvider[] {
  const at = reader.u32(AUTHZ_PROVIDERS);
  return Array.from({ length: reader.u32(AUTHZ_PROVIDER_COUNT) }, (_, index) => {
    const record = at + PROVIDER_SIZE * index;
    const state = reader.text(reader.u32(record), reader.u32(record + 4));
    return { name: state.slice(STATE_PREFIX.length + STATE_CUSTOM.length + 1), end: 64 * reader.u32(record + 8) };
  });
}
