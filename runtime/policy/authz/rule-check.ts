import type {
  AuthzCondition,
  AuthzOperation,
  AuthzPolicy,
  AuthzRequest,
  AuthzRule,
  AuthzSource,
  Clause,
} from '#model/authz.ts';
import type { StringMatch } from '#model/match.ts';
import { hostSpellings } from './spelling.ts';
import { addressHolds, asciiLowerCase, linesHold, lowerCased, portHolds, textsHold } from './value.ts';

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

/**
 * The parts of a rule that must all hold: one of its `from`, one of its `to`, and its `when`. For `explain`. `path` is
 * the request's, in the spelling that is judged.
 */
export function ruleParts(
  rule: AuthzRule,
  { action }: AuthzPolicy,
  request: AuthzRequest,
  target: ReferenceTarget,
  path = request.path,
): readonly Alternatives[] {
  const context: Context = { action, request, target, path };
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
  readonly path: string;
}

function sourceChecks(source: AuthzSource, at: string, context: Context): Check[] {
  const { request } = context;
  return [
    { field: `${at}.principals`, holds: principalHolds(source.principals, request.principal) },
    { field: `${at}.namespaces`, holds: namespaceHolds(source.namespaces, context) },
    { field: `${at}.ipBlocks`, holds: addressHolds(source.ipBlocks, request.sourceIp) },
  ];
}

function operationChecks(operation: AuthzOperation, at: string, context: Context): Check[] {
  const { request } = context;
  const http = (clause: Clause<StringMatch>, holds: () => boolean): boolean => httpHolds(clause, context, holds);
  const { hosts, methods, paths, ports } = operation;
  return [
    {
      field: `${at}.hosts`,
      holds: http(hosts, () => hostHolds(lowerCased(hosts), context)),
    },
    { field: `${at}.methods`, holds: http(methods, () => textsHold(methods, request.method)) },
    { field: `${at}.paths`, holds: http(paths, () => textsHold(paths, pathOf(context.path))) },
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
      return { field: `${at} source.namespace`, holds: namespaceHolds(condition.values, context) };
    case 'sourceIp':
      return { field: `${at} source.ip`, holds: addressHolds(condition.values, request.sourceIp) };
    case 'destinationIp':
      return { field: `${at} destination.ip`, holds: addressHolds(condition.values, request.destinationIp) };
    case 'destinationPort':
      return { field: `${at} destination.port`, holds: portHolds(condition.values, request.destinationPort) };
  }
}

/** What only HTTP has fails an ALLOW rule on a TCP port, and makes no demand of a DENY rule. */
function httpHolds({ any, none }: Clause<StringMatch>, { action, target }: Context, holds: () => boolean): boolean {
  if (target.protocol === 'http' || (any.length === 0 && none.length === 0)) return holds();
  return action === 'DENY';
}

function principalHolds(clause: Clause<StringMatch>, principal: string | undefined): boolean {
  return textsHold(clause, principal);
}

/**
 * A namespace stands between `/ns/` and the next slash. An identity made to have several (`…/ns/evil/sa/x/ns/good/…`)
 * must gain nothing by it: for what grants access only the first counts, for what refuses it every one does. Istio's
 * expression lets any count for both, and lets `*` reach over slashes.
 */
function namespaceHolds(clause: Clause<StringMatch>, { action, request }: Context): boolean {
  return readingsHold(clause, action, namespaces(request.principal ?? ''));
}

function hostHolds(clause: Clause<StringMatch>, { action, request }: Context): boolean {
  return readingsHold(clause, action, hostSpellings(asciiLowerCase(request.host)));
}

/** Of several readings of one thing the first grants; each refuses. */
function readingsHold(
  { any, none }: Clause<StringMatch>,
  action: AuthzPolicy['action'],
  all: readonly string[],
): boolean {
  const first = all.slice(0, 1);
  const [granting, refusing] = action === 'ALLOW' ? [first, all] : [all, first];
  return linesHold({ any, none: [] }, granting) && linesHold({ any: [], none }, refusing);
}

function namespaces(principal: string): string[] {
  const found: string[] = [];
  for (let at = principal.indexOf('/ns/'); at >= 0; at = principal.indexOf('/ns/', at + 1)) {
    const end = principal.indexOf('/', at + 4);
    if (end >= 0) found.push(principal.slice(at + 4, end));
  }
  return found;
}

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
