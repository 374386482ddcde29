import { AUTHZ_CUSTOM, AUTHZ_PROVIDERS, AUTHZ_PROVIDER_COUNT, PROVIDER_ASKED, PROVIDER_SIZE } from '#abi/authz.ts';
import type { AuthzPolicySet } from '#model/authz.ts';
import type { ProgramReader } from '../program.ts';
import { Attributes } from './attribute.ts';
import { indexRules, rulesOf, type AuthzTarget } from './compile.ts';

/** The property that says that a provider is to be asked about a request. Envoy keeps it as filter state `wasm.…`. */
export const providerState = (provider: string): string => `${STATE}${provider}`;

const STATE = 'portolan.custom.';

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
  // As Istio builds them: what cannot be expressed must ask rather than not.
  const context = { action: 'DENY', target, attributes } as const;
  const named = [...new Set(policies.map(({ provider }) => provider ?? ''))].sort();
  const sections = named.map((name) => rulesOf(policies, ({ provider }) => provider === name, context));
  const asked = named.flatMap((name, index) => {
    const rules = sections[index] ?? [];
    return rules.length === 0 ? [] : [{ name, rules }];
  });
  if (asked.length === 0) return undefined;
  const index = indexRules(
    attributes,
    asked.map(({ rules }) => rules),
  );
  return index.write(
    policies,
    AUTHZ_CUSTOM,
    asked.map(({ name }) => providerState(name)),
  );
}

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
    return { name: state.slice(STATE.length), end: 64 * reader.u32(record + 8) };
  });
}
