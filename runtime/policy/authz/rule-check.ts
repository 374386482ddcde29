import type {
  AuthzCondition,
  AuthzOperation,
  AuthzPolicy,
  AuthzRequest,
  AuthzRule,
  AuthzSource,
  Clause,
  MetadataMatch,
  RequestPrincipalMatch,
} from '#model/authz.ts';
import type { StringMatch } from '#model/match.ts';
import { namespacesOf, serviceAccountsOf, trustDomainOf, withoutScheme } from './identity.ts';
import { claimPath, listTexts, metadataAt, plainText, requestPrincipalOf } from './token.ts';
import {
  addressHolds,
  anyHolds,
  asciiLowerCase,
  linesHold,
  lowerCased,
  portHolds,
  textMatches,
  textsHold,
} from './value.ts';

/** Where a request is decided. On a TCP port there is no host, method, path or header. */
export interface ReferenceTarget {
  readonly protocol: 'http' | 'tcp';
}

/** One clause of a rule, and whether the request satisfies it. `field` is its path in the rule: `from[0].principals`. */
export interface Check {
  readonly field: string;
  readonly holds: boolean;
}

/** Alternatives of which one must hold; each is checks that must all hold. */
type Alternatives = readonly (readonly Check[])[];

/** The parts of a rule that must all hold: one of its `from`, one of its `to`, and its `when`. For `explain`. */
export function ruleParts(
  rule: AuthzRule,
  { action }: AuthzPolicy,
  request: AuthzRequest,
  target: ReferenceTarget,
): readonly Alternatives[] {
  const context: Context = { action, request, target };
  // An empty list makes no demand; `when` is one alternative, of which every condition must hold.
  return [
    rule.from.map((source, index) => sourceChecks(source, `from[${index}]`, context)),
    rule.to.map((operation, index) => operationChecks(operation, `to[${index}]`, context)),
    rule.when.length === 0
      ? []
      : [rule.when.map((condition, index) => conditionCheck(condition, `when[${index}]`, context))],
  ].filter((alternatives) => alternatives.length > 0);
}

interface Context {
  readonly action: AuthzPolicy['action'];
  readonly request: AuthzRequest;
  readonly target: ReferenceTarget;
}

function sourceChecks(source: AuthzSource, at: string, context: Context): Check[] {
  const { request } = context;
  const { serviceAccounts, trustDomains, requestPrincipals, remoteIpBlocks } = source;
  const checks: (Check | false)[] = [
    { field: `${at}.principals`, holds: principalHolds(source.principals, request.principal) },
    { field: `${at}.namespaces`, holds: identityHolds(source.namespaces, namespacesOf, context) },
    serviceAccounts !== undefined && {
      field: `${at}.serviceAccounts`,
      holds: identityHolds(serviceAccounts, serviceAccountsOf, context),
    },
    trustDomains !== undefined && {
      field: `${at}.trustDomains`,
      holds: textsHold(trustDomains, trustDomainOf(request.principal)),
    },
    requestPrincipals !== undefined && {
      field: `${at}.requestPrincipals`,
      holds: requestPrincipalHolds(requestPrincipals, context),
    },
    { field: `${at}.ipBlocks`, holds: addressHolds(source.ipBlocks, request.sourceIp) },
    remoteIpBlocks !== undefined && {
      field: `${at}.remoteIpBlocks`,
      holds: addressHolds(remoteIpBlocks, remoteIp(request)),
    },
  ];
  return checks.filter((check) => check !== false);
}

function operationChecks(operation: AuthzOperation, at: string, context: Context): Check[] {
  const { request } = context;
  const http = (clause: Clause<unknown>, holds: () => boolean): boolean => httpHolds(clause, context, holds);
  const { hosts, methods, paths, ports } = operation;
  return [
    {
      field: `${at}.hosts`,
      holds: http(hosts, () => textsHold(lowerCased(hosts), asciiLowerCase(request.host))),
    },
    { field: `${at}.methods`, holds: http(methods, () => textsHold(methods, request.method)) },
    { field: `${at}.paths`, holds: http(paths, () => textsHold(paths, pathOf(request.path))) },
    { field: `${at}.ports`, holds: portHolds(ports, request.destinationPort) },
  ];
}

function conditionCheck(condition: AuthzCondition, at: string, context: Context): Check {
  const { request } = context;
  switch (condition.key) {
    case 'header': {
      const name = condition.header.toLowerCase();
      const holds = httpHolds(condition.values, context, () => linesHold(condition.values, linesOf(request, name)));
      return { field: `${at} request.headers[${condition.header}]`, holds };
    }
    case 'principal':
      return { field: `${at} source.principal`, holds: principalHolds(condition.values, request.principal) };
    case 'namespace':
      return { field: `${at} source.namespace`, holds: identityHolds(condition.values, namespacesOf, context) };
    case 'serviceAccount':
      return {
        field: `${at} source.serviceAccount`,
        holds: identityHolds(condition.values, serviceAccountsOf, context),
      };
    case 'trustDomain':
      return {
        field: `${at} source.trustDomain`,
        holds: textsHold(condition.values, trustDomainOf(request.principal)),
      };
    case 'requestPrincipal':
      return { field: `${at} request.auth.principal`, holds: requestPrincipalHolds(condition.values, context) };
    case 'claim': {
      const { claim, values } = condition;
      const field = `${at} request.auth.claims${claim.map((name) => `[${name}]`).join('')}`;
      return { field, holds: httpHolds(values, context, () => linesHold(values, claimTexts(request, claim))) };
    }
    case 'metadata': {
      const { filter, name, values } = condition;
      return { field: `${at} experimental.${filter}[${name}]`, holds: metadataHolds(values, request, [filter, name]) };
    }
    case 'sni':
      return { field: `${at} connection.sni`, holds: textsHold(condition.values, request.sni) };
    case 'sourceIp':
      return { field: `${at} source.ip`, holds: addressHolds(condition.values, request.sourceIp) };
    case 'remoteIp':
      return { field: `${at} remote.ip`, holds: addressHolds(condition.values, remoteIp(request)) };
    case 'destinationIp':
      return { field: `${at} destination.ip`, holds: addressHolds(condition.values, request.destinationIp) };
    case 'destinationPort':
      return { field: `${at} destination.port`, holds: portHolds(condition.values, request.destinationPort) };
  }
}

/** What only HTTP has fails an ALLOW rule on a TCP port, and makes no demand of any other. */
function httpHolds({ any, none }: Clause<unknown>, { action, target }: Context, holds: () => boolean): boolean {
  if (target.protocol === 'http' || (any.length === 0 && none.length === 0)) return holds();
  return action !== 'ALLOW';
}

/** A suffix stands behind `spiffe://`: it is not a part of it. */
function principalHolds(clause: Clause<StringMatch>, principal: string | undefined): boolean {
  return anyHolds(clause, (match) => {
    if (principal === undefined) return false;
    const text = match.kind === 'suffix' ? withoutScheme(principal) : principal;
    return text !== undefined && textMatches(match, text);
  });
}

/** What is read of an identity grants where it is well-formed, and refuses wherever it can be read (identity.ts). */
function identityHolds(
  { any, none }: Clause<StringMatch>,
  read: (principal: string | undefined, all: boolean) => readonly string[],
  { action, request }: Context,
): boolean {
  const deny = action !== 'ALLOW';
  const { principal } = request;
  return linesHold({ any, none: [] }, read(principal, deny)) && linesHold({ any: [], none }, read(principal, !deny));
}

/** Issuer and subject are each compared as a whole: a slash may stand in both. */
function requestPrincipalHolds(clause: Clause<RequestPrincipalMatch>, context: Context): boolean {
  const came = requestPrincipalOf(context.request.metadata);
  const matches = ({ issuer, subject }: RequestPrincipalMatch): boolean =>
    came !== undefined && textMatches(issuer, came.issuer) && textMatches(subject, came.subject);
  return httpHolds(clause, context, () => anyHolds(clause, matches));
}

/** A claim is one text, or a list of which each text counts. */
function claimTexts({ metadata }: AuthzRequest, claim: readonly string[]): readonly string[] {
  const value = metadataAt(metadata, claimPath(claim));
  return typeof value === 'string' ? [value] : listTexts(value);
}

function metadataHolds(clause: Clause<MetadataMatch>, { metadata }: AuthzRequest, path: readonly string[]): boolean {
  const value = metadataAt(metadata, path);
  const text = plainText(value);
  return anyHolds(clause, ({ list, match }) =>
    list ? listTexts(value).some((item) => textMatches(match, item)) : text !== undefined && textMatches(match, text),
  );
}

/** Without a forwarder that is trusted, the caller is who opened the connection. */
const remoteIp = ({ remoteIp: said, sourceIp }: AuthzRequest): string => said ?? sourceIp;

/** The path without query and fragment. */
function pathOf(path: string): string {
  return path.split(/[?#]/, 1)[0] ?? '';
}

/** Every line of a header; Envoy keeps Host and what HTTP/2 calls pseudo headers among them. */
function linesOf(request: AuthzRequest, name: string): readonly string[] {
  switch (name) {
    case 'host':
    case ':authority':
      return [request.host];
    case ':method':
      return [request.method];
    case ':path':
      return [request.path];
    default:
      return request.headers.filter(([header]) => header === name).map(([, value]) => value);
  }
}
