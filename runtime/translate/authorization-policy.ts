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

type Rule = AuthorizationPolicy['spec']['rules'][number];
type Source = Rule['from'][number]['source'];
type Operation = Rule['to'][number]['operation'];
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
  const findings = spec.rules.flatMap((rule, index) => schemeFindings(resource, rule, index));
  if (label(metadata.annotations, 'istio.io/dry-run') === 'true') {
    return { enforcement: { kind: 'ignore' }, findings: [...findings, dryRun(resource)] };
  }
  const { action } = spec;
  // The schema has said already that AUDIT is not acted upon.
  if (action === 'AUDIT') return { enforcement: { kind: 'ignore' }, findings };
  try {
    const rules = spec.rules.map((rule) => readRule(rule));
    const { provider } = spec;
    const policy = { namespace: metadata.namespace, name: metadata.name, action, rules, ...custom(action, provider) };
    const http = rules.some((rule) => hasHttpFields(rule));
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

function readRule(rule: Rule): AuthzRule {
  return {
    from: rule.from.map(({ source }) => readSource(source)),
    to: rule.to.map(({ operation }) => readOperation(operation)),
    when: rule.when.map((when) => readCondition(when)),
  };
}

function readSource(source: Source): AuthzSource {
  return {
    principals: clause(source.principals, source.notPrincipals, principalMatch),
    namespaces: clause(source.namespaces, source.notNamespaces, namespaceMatch),
    ipBlocks: clause(source.ipBlocks, source.notIpBlocks, addressBlock),
  };
}

function readOperation(operation: Operation): AuthzOperation {
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
 * connection; from a DENY rule only what cannot be asked is left out, so it denies more. Nobody can be asked about a
 * connection, so CUSTOM denies.
 */
function forTcp(policy: AuthzPolicy): AuthzPolicy {
  if (policy.action === 'ALLOW') return { ...policy, rules: policy.rules.filter((rule) => !hasHttpFields(rule)) };
  const { namespace, name } = policy;
  const rules = policy.rules.map((rule) => ({
    from: rule.from,
    to: rule.to.map(({ ports }) => ({ hosts: nothing, methods: nothing, paths: nothing, ports })),
    when: rule.when.filter(({ key }) => key !== 'header'),
  }));
  return { namespace, name, action: 'DENY', rules };
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

/** Policies name principals without a scheme; with one, the whole value is compared and can match nobody. */
function schemeFindings(resource: AuthorizationPolicy, rule: Rule, index: number): readonly Finding[] {
  return rule.from.flatMap(({ source }, at) =>
    (['principals', 'notPrincipals'] as const).flatMap((field) =>
      source[field].flatMap((value, position): readonly Finding[] =>
        value.startsWith('spiffe://')
          ? [
              {
                code: 'PTL1309',
                level: 'warning',
                resource: refOf(resource),
                path: `spec.rules[${index}].from[${at}].source.${field}[${position}]`,
                message: `principal "${value}" matches nobody: principals are written without spiffe://`,
                expected: value.slice('spiffe://'.length),
                came: value,
                effect: 'the value matches no caller',
                next: `write ${value.slice('spiffe://'.length)}`,
              },
            ]
          : [],
      ),
    ),
  );
}
