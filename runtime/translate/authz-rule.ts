import type { AuthzCondition, AuthzOperation, AuthzRule, AuthzSource, Clause } from '#model/authz.ts';
import type { StringMatch } from '#model/match.ts';
import type { AuthorizationPolicy } from '#resources/authorization-policy.ts';
import { readConditionKey, type PlainKey } from '#resources/condition-key.ts';
import {
  addressBlock,
  clause,
  metadataMatch,
  namespaceMatch,
  nothing,
  pathMatch,
  portNumber,
  principalMatch,
  requestPrincipalMatch,
  serviceAccountMatch,
  stringMatch,
  UnreadableValue,
} from './authz-value.ts';
import { domainsWithAliases, withAliases } from './trust-domain.ts';

// The rules of a policy as the model has them.

export type WrittenRule = AuthorizationPolicy['spec']['rules'][number];
type Source = WrittenRule['from'][number]['source'];
type Operation = WrittenRule['to'][number]['operation'];
type When = WrittenRule['when'][number];

/** Where a policy is read: what its short values mean. */
interface Reading {
  readonly namespace: string;
  readonly trustDomains: readonly string[];
}

/** Throws UnreadableValue. */
export function readRule(rule: WrittenRule, reading: Reading): AuthzRule {
  return {
    from: rule.from.map(({ source }) => readSource(source, reading)),
    to: rule.to.map(({ operation }) => readOperation(operation)),
    when: rule.when.map((when) => readCondition(when, reading)),
  };
}

function readSource(source: Source, reading: Reading): AuthzSource {
  const { serviceAccounts, notServiceAccounts, requestPrincipals, notRequestPrincipals } = source;
  const { remoteIpBlocks, notRemoteIpBlocks, trustDomains, notTrustDomains } = source;
  return {
    principals: principals(source.principals, source.notPrincipals, reading),
    namespaces: clause(source.namespaces, source.notNamespaces, namespaceMatch),
    ...given('serviceAccounts', serviceAccountClause(serviceAccounts, notServiceAccounts, reading)),
    ...given('trustDomains', trustDomainClause(trustDomains, notTrustDomains, reading)),
    ...given('requestPrincipals', clause(requestPrincipals, notRequestPrincipals, requestPrincipalMatch)),
    ipBlocks: clause(source.ipBlocks, source.notIpBlocks, addressBlock),
    ...given('remoteIpBlocks', clause(remoteIpBlocks, notRemoteIpBlocks, addressBlock)),
  };
}

function principals(any: readonly string[], none: readonly string[], { trustDomains }: Reading): Clause<StringMatch> {
  const all = (values: readonly string[]): readonly string[] =>
    values.flatMap((value) => withAliases(value, trustDomains));
  return clause(all(any), all(none), principalMatch);
}

function serviceAccountClause(
  any: readonly string[],
  none: readonly string[],
  { namespace }: Reading,
): Clause<StringMatch> {
  return clause(any, none, (value) => serviceAccountMatch(value, namespace));
}

function trustDomainClause(
  any: readonly string[],
  none: readonly string[],
  { trustDomains }: Reading,
): Clause<StringMatch> {
  return clause(domainsWithAliases(any, trustDomains), domainsWithAliases(none, trustDomains), namespaceMatch);
}

/** A field that few policies have: left out where it demands nothing. */
const given = <Name extends string, T>(name: Name, values: Clause<T>): { readonly [_ in Name]?: Clause<T> } =>
  values === nothing ? {} : ({ [name]: values } as { readonly [_ in Name]: Clause<T> });

function readOperation(operation: Operation): AuthzOperation {
  return {
    hosts: clause(operation.hosts, operation.notHosts, stringMatch),
    methods: clause(operation.methods, operation.notMethods, stringMatch),
    paths: clause(operation.paths, operation.notPaths, pathMatch),
    ports: clause(operation.ports, operation.notPorts, portNumber),
  };
}

function readCondition({ key, values, notValues }: When, reading: Reading): AuthzCondition {
  const known = readConditionKey(key);
  switch (known?.kind) {
    case undefined:
      throw new UnreadableValue(`condition "${key}" is not supported`);
    case 'header':
      return { key: 'header', header: known.name.toLowerCase(), values: clause(values, notValues, stringMatch) };
    case 'claim':
      return { key: 'claim', claim: known.claim, values: clause(values, notValues, stringMatch) };
    case 'metadata': {
      const { filter, name } = known;
      return { key: 'metadata', filter, name, values: clause(values, notValues, metadataMatch) };
    }
    case 'plain':
      return readPlainCondition(known.key, values, notValues, reading);
  }
}

function readPlainCondition(
  key: PlainKey,
  values: readonly string[],
  notValues: readonly string[],
  reading: Reading,
): AuthzCondition {
  switch (key) {
    case 'source.principal':
      return { key: 'principal', values: principals(values, notValues, reading) };
    case 'source.namespace':
      return { key: 'namespace', values: clause(values, notValues, namespaceMatch) };
    case 'source.serviceAccount':
      return { key: 'serviceAccount', values: serviceAccountClause(values, notValues, reading) };
    case 'source.trustDomain':
      return { key: 'trustDomain', values: trustDomainClause(values, notValues, reading) };
    case 'source.ip':
      return { key: 'sourceIp', values: clause(values, notValues, addressBlock) };
    case 'remote.ip':
      return { key: 'remoteIp', values: clause(values, notValues, addressBlock) };
    case 'request.auth.principal':
      return { key: 'requestPrincipal', values: clause(values, notValues, requestPrincipalMatch) };
    case 'destination.ip':
      return { key: 'destinationIp', values: clause(values, notValues, addressBlock) };
    case 'destination.port':
      return { key: 'destinationPort', values: clause(values, notValues, portNumber) };
    case 'connection.sni':
      return { key: 'sni', values: clause(values, notValues, stringMatch) };
  }
}

const demands = (values: Clause<unknown> | undefined): boolean =>
  values !== undefined && (values.any.length > 0 || values.none.length > 0);

/** What only HTTP has: its own fields, and tokens. */
export const isHttp = ({ key }: AuthzCondition): boolean =>
  key === 'header' || key === 'requestPrincipal' || key === 'claim';

/** The rule asks for what only HTTP has. */
export function hasHttpFields({ from, to, when }: AuthzRule): boolean {
  return (
    from.some(({ requestPrincipals }) => demands(requestPrincipals)) ||
    to.some(({ hosts, methods, paths }) => demands(hosts) || demands(methods) || demands(paths)) ||
    when.some((condition) => isHttp(condition))
  );
}
