import type { AuthzPolicy, AuthzSource } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import { hasHttpFields, isHttp, readRule, type WrittenRule } from './authz-rule.ts';
import { nothing, UnreadableValue } from './authz-value.ts';
import { refOf } from './condition.ts';
import { label } from './label-selector.ts';
import { none } from './memo.ts';

type Rule = WrittenRule;
type Source = Rule['from'][number]['source'];
/**
 * What a policy does to its targets: it decides, or it closes them because it could not be understood, or nothing
 * (a dry run, an AUDIT policy).
 */
export type Enforcement =
  | { readonly kind: 'enforce'; readonly policy: AuthzPolicy; readonly tcp: AuthzPolicy; readonly http: boolean }
  | { readonly kind: 'close'; readonly reason: string }
  | { readonly kind: 'ignore' };

export interface ReadPolicy {
  readonly enforcement: Enforcement;
  readonly findings: readonly Finding[];
}

/**
 * Reads a policy for HTTP and for TCP ports. Depends on the policy and `trustDomains` alone: those of the mesh, its own
 * and then its aliases.
 */
export function readPolicy(resource: AuthorizationPolicy, trustDomains: readonly string[]): ReadPolicy {
  const { metadata, spec } = resource;
  const schemes = spec.rules.some(namesSchemes);
  const findings = schemes ? spec.rules.flatMap((rule, index) => schemeFindings(resource, rule, index)) : none;
  if (label(metadata.annotations, 'istio.io/dry-run') === 'true') {
    return { enforcement: { kind: 'ignore' }, findings: [...findings, dryRun(resource)] };
  }
  const { action } = spec;
  // The schema has said already that AUDIT is not acted upon.
  if (action === 'AUDIT') return { enforcement: { kind: 'ignore' }, findings };
  try {
    const rules = spec.rules.map((rule) => readRule(rule, { namespace: metadata.namespace, trustDomains }));
    const { provider } = spec;
    const policy = { namespace: metadata.namespace, name: metadata.name, action, rules, ...custom(action, provider) };
    const http = rules.some(hasHttpFields);
    return {
      enforcement: { kind: 'enforce', policy, tcp: http || action === 'CUSTOM' ? forTcp(policy) : policy, http },
      findings,
    };
  } catch (error) {
    if (!(error instanceof UnreadableValue)) throw error;
    return closed(resource, error.message, findings);
  }
}

const custom = (action: AuthzPolicy['action'], provider: { readonly name?: string } | undefined) =>
  action === 'CUSTOM' ? { provider: provider?.name ?? '' } : {};

/** A policy whose provider cannot be asked: what its rules match is denied, as if it had said no. */
export function withoutProvider(enforcement: Enforcement): Enforcement {
  if (enforcement.kind !== 'enforce' || enforcement.policy.action !== 'CUSTOM') return enforcement;
  const { namespace, name, rules } = enforcement.policy;
  return { ...enforcement, policy: { namespace, name, action: 'DENY', rules } };
}

/**
 * A policy as a TCP port sees it, never wider than what was meant: an ALLOW rule that asks for HTTP can hold for no
 * connection; from a DENY rule only what cannot be asked is left out, so it denies more. Nobody can be asked about a
 * connection, so CUSTOM denies.
 */
function forTcp(policy: AuthzPolicy): AuthzPolicy {
  if (policy.action === 'ALLOW') return { ...policy, rules: policy.rules.filter((rule) => !hasHttpFields(rule)) };
  const { namespace, name } = policy;
  const rules = policy.rules.map((rule) => ({
    from: rule.from.map((source) => withoutToken(source)),
    to: rule.to.map(({ ports }) => ({ hosts: nothing, methods: nothing, paths: nothing, ports })),
    when: rule.when.filter((condition) => !isHttp(condition)),
  }));
  return { namespace, name, action: 'DENY', rules };
}

function withoutToken(source: AuthzSource): AuthzSource {
  const { requestPrincipals: _, ...rest } = source;
  return rest;
}

function closed(resource: AuthorizationPolicy, reason: string, findings: readonly Finding[]): ReadPolicy {
  const finding: Finding = {
    code: 'PTL1302',
    level: 'error',
    resource: refOf(resource),
    path: 'spec',
    message: `AuthorizationPolicy ${resource.metadata.name} cannot be enforced: ${reason}`,
    effect: 'its targets deny every request',
    next: 'use only what portolan check accepts, or remove the policy',
  };
  return { enforcement: { kind: 'close', reason }, findings: [...findings, finding] };
}

function dryRun(resource: AuthorizationPolicy): Finding {
  return {
    code: 'PTL1308',
    level: 'info',
    resource: refOf(resource),
    path: 'metadata.annotations[istio.io/dry-run]',
    message: `AuthorizationPolicy ${resource.metadata.name} is a dry run`,
    effect: 'it decides nothing',
    next: 'remove the annotation istio.io/dry-run to enforce it',
  };
}

const SCHEME = 'spiffe://';

const namesSchemes = ({ from }: Rule): boolean => from.some(({ source }) => hasSchemes(source));

const hasSchemes = ({ principals, notPrincipals }: Source): boolean =>
  principals.some(hasScheme) || notPrincipals.some(hasScheme);

const hasScheme = (principal: string): boolean => principal.startsWith(SCHEME);

/** Policies name principals without a scheme; with one, the whole value is compared and can match nobody. */
function schemeFindings(resource: AuthorizationPolicy, rule: WrittenRule, index: number): readonly Finding[] {
  return rule.from.flatMap(({ source }, at) =>
    (['principals', 'notPrincipals'] as const).flatMap((field) =>
      source[field].flatMap((value, position): readonly Finding[] =>
        hasScheme(value)
          ? [
              {
                code: 'PTL1309',
                level: 'warning',
                resource: refOf(resource),
                path: `spec.rules[${index}].from[${at}].source.${field}[${position}]`,
                message: `principal "${value}" matches nobody: principals are written without spiffe://`,
                expected: value.slice(SCHEME.length),
                came: value,
                effect: 'the value matches no caller',
                next: `write ${value.slice(SCHEME.length)}`,
              },
            ]
          : [],
      ),
    ),
  );
}
