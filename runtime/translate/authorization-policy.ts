import type { AuthzCondition, AuthzOperation, AuthzPolicy, AuthzRule, AuthzSource } from '#model/authz.ts';
import type { Finding } from '#model/finding.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import {
  addressBlock,
  clause,
  namespaceMatch,
  nothing,
  pathMatch,
  portNumber,
  principalMatch,
  stringMatch,
  UnreadableValue,
} from './authz-value.ts';
import { refOf } from './condition.ts';
import { label } from './label-selector.ts';
import { none } from './memo.ts';

type Rule = AuthorizationPolicy['spec']['rules'][number];
type Source = Rule['from'][number]['source'];
type When = Rule['when'][number];

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

/** Reads a policy for HTTP and for TCP ports. Depends on the policy alone. */
export function readPolicy(resource: AuthorizationPolicy): ReadPolicy {
  const { metadata, spec } = resource;
  const schemes = spec.rules.some(namesSchemes);
  const findings = schemes ? spec.rules.flatMap((rule, index) => schemeFindings(resource, rule, index)) : none;
  if (label(metadata.annotations, 'istio.io/dry-run') === 'true') {
    return { enforcement: { kind: 'ignore' }, findings: [...findings, dryRun(resource)] };
  }
  const { action } = spec;
  // The schema has said already that AUDIT is not acted upon.
  if (action === 'AUDIT') return { enforcement: { kind: 'ignore' }, findings };
  if (action === 'CUSTOM') return closed(resource, 'action CUSTOM is not supported', findings);
  try {
    const rules = spec.rules.map(readRule);
    const policy = { namespace: metadata.namespace, name: metadata.name, action, rules };
    const http = rules.some(hasHttpFields);
    return { enforcement: { kind: 'enforce', policy, tcp: http ? forTcp(policy) : policy, http }, findings };
  } catch (error) {
    if (!(error instanceof UnreadableValue)) throw error;
    return closed(resource, error.message, findings);
  }
}

function readRule(rule: Rule): AuthzRule {
  return {
    from: rule.from.map(readSource),
    to: rule.to.map(readOperation),
    when: rule.when.map(readCondition),
  };
}

function readSource({ source }: Rule['from'][number]): AuthzSource {
  return {
    principals: clause(source.principals, source.notPrincipals, principalMatch),
    namespaces: clause(source.namespaces, source.notNamespaces, namespaceMatch),
    ipBlocks: clause(source.ipBlocks, source.notIpBlocks, addressBlock),
  };
}

function readOperation({ operation }: Rule['to'][number]): AuthzOperation {
  return {
    hosts: clause(operation.hosts, operation.notHosts, stringMatch),
    methods: clause(operation.methods, operation.notMethods, stringMatch),
    paths: clause(operation.paths, operation.notPaths, pathMatch),
    ports: clause(operation.ports, operation.notPorts, portNumber),
  };
}

function readCondition({ key, values, notValues }: When): AuthzCondition {
  const header = /^request\.headers\[([^\]]+)\]$/.exec(key)?.[1];
  if (header !== undefined) {
    return { key: 'header', header: header.toLowerCase(), values: clause(values, notValues, stringMatch) };
  }
  switch (key) {
    case 'source.principal':
      return { key: 'principal', values: clause(values, notValues, principalMatch) };
    case 'source.namespace':
      return { key: 'namespace', values: clause(values, notValues, namespaceMatch) };
    case 'source.ip':
      return { key: 'sourceIp', values: clause(values, notValues, addressBlock) };
    case 'destination.ip':
      return { key: 'destinationIp', values: clause(values, notValues, addressBlock) };
    case 'destination.port':
      return { key: 'destinationPort', values: clause(values, notValues, portNumber) };
    default:
      throw new UnreadableValue(`condition "${key}" is not supported`);
  }
}

const given = ({ any, none }: { readonly any: readonly unknown[]; readonly none: readonly unknown[] }): boolean =>
  any.length > 0 || none.length > 0;

function hasHttpFields({ to, when }: AuthzRule): boolean {
  return (
    to.some(({ hosts, methods, paths }) => given(hosts) || given(methods) || given(paths)) ||
    when.some(({ key }) => key === 'header')
  );
}

/**
 * A policy as a TCP port sees it, never wider than what was meant: an ALLOW rule that asks for HTTP can hold for no
 * connection; from a DENY rule only what cannot be asked is left out, so it denies more.
 */
function forTcp(policy: AuthzPolicy): AuthzPolicy {
  if (policy.action === 'ALLOW') return { ...policy, rules: policy.rules.filter((rule) => !hasHttpFields(rule)) };
  const rules = policy.rules.map((rule) => ({
    from: rule.from,
    to: rule.to.map(({ ports }) => ({ hosts: nothing, methods: nothing, paths: nothing, ports })),
    when: rule.when.filter(({ key }) => key !== 'header'),
  }));
  return { ...policy, rules };
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
function schemeFindings(resource: AuthorizationPolicy, rule: Rule, index: number): readonly Finding[] {
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
