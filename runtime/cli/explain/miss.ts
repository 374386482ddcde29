import type {
  AuthzCondition,
  AuthzRequest,
  AuthzRule,
  Clause,
  MetadataMatch,
  RequestPrincipalMatch,
} from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import type { MetadataValue } from '#model/metadata.ts';
import { claimPath, metadataAt, requestPrincipalOf } from '#policy/authz/token.ts';

/**
 * A clause that a request fails, in words: what it demands and what came. `field` is its path in the rule as the
 * reference names it: `to[0].methods`, `when[1] request.headers[x-user]`.
 */
export function missText(rule: AuthzRule, field: string, request: AuthzRequest): string {
  const [, part, index, name] = /^(from|to|when)\[(\d+)\](?:\.(\w+))?/.exec(field) ?? [];
  const at = Number(index);
  const found =
    part === 'from'
      ? ofSource(rule.from[at], name, request)
      : part === 'to'
        ? ofOperation(rule.to[at], name, request)
        : ofCondition(rule.when[at], request);
  return found === undefined ? field : `${field}: ${demand(found.clause)}, came ${found.came ?? 'none'}`;
}

type Value = StringMatch | Cidr | number | RequestPrincipalMatch | MetadataMatch;

interface Miss {
  readonly clause: Clause<Value>;
  readonly came: string | undefined;
}

function ofSource(
  source: AuthzRule['from'][number] | undefined,
  name: string | undefined,
  request: AuthzRequest,
): Miss | undefined {
  const missed = (clause: Clause<Value> | undefined, came: string | undefined): Miss | undefined =>
    clause && { clause, came };
  switch (name) {
    case 'principals':
      return missed(source?.principals, quoted(request.principal));
    case 'namespaces':
      return missed(source?.namespaces, quoted(request.principal));
    case 'serviceAccounts':
      return missed(source?.serviceAccounts, quoted(request.principal));
    case 'trustDomains':
      return missed(source?.trustDomains, quoted(request.principal));
    case 'requestPrincipals':
      return missed(source?.requestPrincipals, requestPrincipalText(request));
    case 'ipBlocks':
      return missed(source?.ipBlocks, request.sourceIp);
    case 'remoteIpBlocks':
      return missed(source?.remoteIpBlocks, request.remoteIp ?? request.sourceIp);
    case undefined:
    default:
      return undefined;
  }
}

function requestPrincipalText({ metadata }: AuthzRequest): string | undefined {
  const came = requestPrincipalOf(metadata);
  return came && `"${came.issuer}/${came.subject}"`;
}

/** As JSON has it: that a claim is a number, and no text, is why it does not match. */
const jsonText = (value: MetadataValue | undefined): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value);

function ofOperation(
  operation: AuthzRule['to'][number] | undefined,
  name: string | undefined,
  request: AuthzRequest,
): Miss | undefined {
  switch (name) {
    case 'hosts':
      return operation && { clause: operation.hosts, came: quoted(request.host) };
    case 'methods':
      return operation && { clause: operation.methods, came: quoted(request.method) };
    case 'paths':
      return operation && { clause: operation.paths, came: quoted(request.path.split(/[?#]/, 1)[0]) };
    case 'ports':
      return operation && { clause: operation.ports, came: String(request.destinationPort) };
    case undefined:
    default:
      return undefined;
  }
}

function ofCondition(condition: AuthzCondition | undefined, request: AuthzRequest): Miss | undefined {
  switch (condition?.key) {
    case undefined:
      return undefined;
    case 'header': {
      const name = condition.header.toLowerCase();
      const lines = request.headers.filter(([header]) => header === name).map(([, value]) => `"${value}"`);
      return { clause: condition.values, came: lines.length === 0 ? undefined : lines.join(', ') };
    }
    case 'principal':
    case 'namespace':
    case 'serviceAccount':
    case 'trustDomain':
      return { clause: condition.values, came: quoted(request.principal) };
    case 'requestPrincipal':
      return { clause: condition.values, came: requestPrincipalText(request) };
    case 'claim': {
      const { claim, values } = condition;
      return { clause: values, came: jsonText(metadataAt(request.metadata, claimPath(claim))) };
    }
    case 'metadata': {
      const { filter, name, values } = condition;
      return { clause: values, came: jsonText(metadataAt(request.metadata, [filter, name])) };
    }
    case 'sni':
      return { clause: condition.values, came: quoted(request.sni) };
    case 'sourceIp':
      return { clause: condition.values, came: request.sourceIp };
    case 'remoteIp':
      return { clause: condition.values, came: request.remoteIp ?? request.sourceIp };
    case 'destinationIp':
      return { clause: condition.values, came: request.destinationIp };
    case 'destinationPort':
      return { clause: condition.values, came: String(request.destinationPort) };
  }
}

const quoted = (text: string | undefined): string | undefined => (text === undefined ? undefined : `"${text}"`);

/** How many values are named before the rest is counted. */
const SHOWN = 3;

function demand({ any, none }: Miss['clause']): string {
  const list = (values: Miss['clause']['any']): string => {
    const shown = values.slice(0, SHOWN).map(valueText).join(', ');
    return values.length > SHOWN ? `${shown} and ${values.length - SHOWN} more` : shown;
  };
  return [
    ...(any.length === 0 ? [] : [any.length === 1 ? `needs ${list(any)}` : `needs one of ${list(any)}`]),
    ...(none.length === 0 ? [] : [`not ${list(none)}`]),
  ].join(', ');
}

/** As a policy writes it. */
function valueText(value: Value): string {
  if (typeof value === 'number') return String(value);
  if ('address' in value) return `${value.address}/${value.length}`;
  if ('issuer' in value) return principalText(value);
  if ('list' in value) return value.list ? `[${valueText(value.match)}]` : valueText(value.match);
  return value.kind === 'present' ? 'any value' : `"${written(value)}"`;
}

function written(match: StringMatch): string {
  switch (match.kind) {
    case 'exact':
    case 'regex':
    case 'template':
      return match.value;
    case 'prefix':
      return `${match.value}*`;
    case 'suffix':
      return `*${match.value}`;
    case 'present':
      return '*';
  }
}

/** `"https://issuer/*"`; what stays open on one side needs no slash. */
function principalText({ issuer, subject }: RequestPrincipalMatch): string {
  if (issuer.kind === 'present' && subject.kind === 'present') return 'any token';
  if (issuer.kind === 'prefix' && subject.kind === 'present') return `"${written(issuer)}"`;
  if (issuer.kind === 'present' && subject.kind === 'suffix') return `"${written(subject)}"`;
  return `"${written(issuer)}/${written(subject)}"`;
}
