import type { AuthzCondition, AuthzRequest, AuthzRule, Clause } from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';

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

interface Miss {
  readonly clause: Clause<StringMatch | Cidr | number>;
  readonly came: string | undefined;
}

function ofSource(
  source: AuthzRule['from'][number] | undefined,
  name: string | undefined,
  request: AuthzRequest,
): Miss | undefined {
  switch (name) {
    case 'principals':
      return source && { clause: source.principals, came: quoted(request.principal) };
    case 'namespaces':
      return source && { clause: source.namespaces, came: quoted(request.principal) };
    case 'ipBlocks':
      return source && { clause: source.ipBlocks, came: request.sourceIp };
    case undefined:
    default:
      return undefined;
  }
}

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
      return { clause: condition.values, came: quoted(request.principal) };
    case 'sourceIp':
      return { clause: condition.values, came: request.sourceIp };
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
function valueText(value: StringMatch | Cidr | number): string {
  if (typeof value === 'number') return String(value);
  if ('address' in value) return `${value.address}/${value.length}`;
  switch (value.kind) {
    case 'exact':
    case 'regex':
    case 'template':
      return `"${value.value}"`;
    case 'prefix':
      return `"${value.value}*"`;
    case 'suffix':
      return `"*${value.value}"`;
    case 'present':
      return 'any value';
  }
}
