import type {
  AuthzCondition,
  AuthzOperation,
  AuthzPolicy,
  AuthzPolicySet,
  AuthzRule,
  AuthzSource,
  Clause,
  MetadataMatch,
  RequestPrincipalMatch,
} from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { TOKEN_FILTER, TOKEN_PAYLOAD } from '#model/metadata.ts';

// Policies as the rules of Envoy's own RBAC filter, shaped as Istio's builder shapes them: only for tests, so that
// stock Envoy can say what a set means. Istio asks for `direct_remote_ip`; a test's client names its address by PROXY
// protocol, which Envoy takes for `remote_ip` only. Both are compared in the same way. Where we refuse more than Istio, by
// a host without its port, the rules say so too.

type Json = Readonly<Record<string, unknown>>;

const PRINCIPAL_KEY = 'io.istio.peer_principal';
const ANY: Json = { any: true };
const NOTHING: Clause<never> = { any: [], none: [] };

/**
 * The `rbac` of the filter for one action; undefined when the set has no policy of that action. RBAC sees no route: it
 * is configured for each route by itself, with the policies that are about it.
 */
export function rbac(set: AuthzPolicySet, action: AuthzPolicy['action'], route?: string): Json | undefined {
  const policies = set.policies.filter(
    (policy) => policy.action === action && (policy.routes === undefined || policy.routes.includes(route ?? '')),
  );
  if (policies.length === 0) return undefined;
  const rules = policies.flatMap((policy) =>
    policy.rules.map((rule, index) => [
      `ns[${policy.namespace}]-policy[${policy.name}]-rule[${index}]`,
      entry(rule, action),
    ]),
  );
  return { rules: { action, policies: Object.fromEntries(rules) as Json } };
}

/** Permissions say what is asked, principals who asks; a condition is on the side where Istio has it. */
function entry(rule: AuthzRule, action: AuthzPolicy['action']): Json {
  const asked = rule.when.filter(({ key }) => isPermission(key)).map(condition);
  const asking = rule.when.filter(({ key }) => !isPermission(key)).map(condition);
  const permissions = rule.to.length > 0 ? rule.to.map((one) => operation(one, action)) : [[]];
  const principals = rule.from.length > 0 ? rule.from.map(source) : [[]];
  return {
    permissions: permissions.map((rules) => all('and_rules', 'rules', [...rules, ...asked.flat()])),
    principals: principals.map((ids) => all('and_ids', 'ids', [...ids, ...asking.flat()])),
  };
}

const isPermission = (key: AuthzCondition['key']): boolean =>
  ['destinationIp', 'destinationPort', 'sni', 'metadata'].includes(key);

function source(from: AuthzSource): Json[] {
  return [
    ...identity(from.principals, principal),
    ...identity(from.namespaces, namespace),
    ...identity(from.serviceAccounts ?? NOTHING, serviceAccount),
    ...identity(from.trustDomains ?? NOTHING, trustDomain),
    ...identity(from.requestPrincipals ?? NOTHING, requestPrincipal),
    ...identity(from.ipBlocks, (cidr) => ({ remote_ip: range(cidr) })),
    ...identity(from.remoteIpBlocks ?? NOTHING, (cidr) => ({ remote_ip: range(cidr) })),
  ];
}

function operation({ hosts, methods, paths, ports }: AuthzOperation, action: AuthzPolicy['action']): Json[] {
  const [granting, refusing] = action === 'ALLOW' ? [host, bareHost] : [bareHost, host];
  return [
    ...permission({ any: hosts.any, none: [] }, granting),
    ...permission({ any: [], none: hosts.none }, refusing),
    ...permission(methods, (match) => header(':method', match)),
    ...permission(paths, path),
    ...permission(ports, (port) => ({ destination_port: port })),
  ];
}

const host = (match: StringMatch): Json => header(':authority', match, true);

/** The host as it was sent, or what is left of it without the port of http and final dots. */
function bareHost(match: StringMatch): Json {
  if (match.kind !== 'exact' && match.kind !== 'suffix') return host(match);
  const start = match.kind === 'suffix' ? '.*' : '';
  const expressionOf = expression(`(?i)${start}${quoted(match.value)}\\.*(:(0*80)?)?`);
  return { or_rules: { rules: [host(match), { header: { name: ':authority', string_match: expressionOf } }] } };
}

function condition(when: AuthzCondition): Json[] {
  switch (when.key) {
    case 'header':
      return identity(when.values, (match) => header(when.header, match));
    case 'principal':
      return identity(when.values, principal);
    case 'namespace':
      return identity(when.values, namespace);
    case 'serviceAccount':
      return identity(when.values, serviceAccount);
    case 'trustDomain':
      return identity(when.values, trustDomain);
    case 'requestPrincipal':
      return identity(when.values, requestPrincipal);
    case 'claim':
      return identity(when.values, (match) => ({ metadata: metadata([TOKEN_PAYLOAD, ...when.claim], either(match)) }));
    case 'metadata':
      return permission(when.values, ({ list, match }: MetadataMatch) => ({
        metadata: metadata([when.name], list ? inList(match) : { string_match: text(match) }, when.filter),
      }));
    case 'sni':
      return permission(when.values, (match) => ({ requested_server_name: text(match) }));
    case 'sourceIp':
    case 'remoteIp':
      return identity(when.values, (cidr) => ({ remote_ip: range(cidr) }));
    case 'destinationIp':
      return permission(when.values, (cidr) => ({ destination_ip: range(cidr) }));
    case 'destinationPort':
      return permission(when.values, (port) => ({ destination_port: port }));
  }
}

const principal = (match: StringMatch): Json => ({
  filter_state: {
    key: PRINCIPAL_KEY,
    string_match: match.kind === 'suffix' ? expression(`spiffe://.*${quoted(match.value)}`) : text(match),
  },
});

/** Between `/ns/` and a slash, wherever these are. */
function namespace(match: StringMatch): Json {
  const inner = namespaceExpression(match);
  return { filter_state: { key: PRINCIPAL_KEY, string_match: expression(`.*/ns/${inner}/.*`) } };
}

/** `namespace/account`. */
function serviceAccount(match: StringMatch): Json {
  if (match.kind !== 'exact') throw new TypeError('a service account is named exactly');
  const [name = '', account = ''] = match.value.split('/').map(quoted);
  const regex = `spiffe://.+/ns/${name}/(.+/|)sa/${account}(/.+)?`;
  return { filter_state: { key: PRINCIPAL_KEY, string_match: expression(regex) } };
}

function trustDomain(match: StringMatch): Json {
  const inner = namespaceExpression(match).replaceAll('.*', '[^/]*');
  const matched = match.kind === 'present' ? { prefix: 'spiffe://' } : expression(`spiffe://${inner}/.*`);
  return { filter_state: { key: PRINCIPAL_KEY, string_match: matched } };
}

const requestPrincipal = ({ issuer, subject }: RequestPrincipalMatch): Json => ({
  and_ids: {
    ids: [
      { metadata: metadata([TOKEN_PAYLOAD, 'iss'], { string_match: text(issuer) }) },
      { metadata: metadata([TOKEN_PAYLOAD, 'sub'], { string_match: text(subject) }) },
    ],
  },
});

const metadata = (path: readonly string[], value: Json, filter = TOKEN_FILTER): Json => ({
  filter,
  path: path.map((key) => ({ key })),
  value,
});

const inList = (match: StringMatch): Json => ({ list_match: { one_of: { string_match: text(match) } } });

const either = (match: StringMatch): Json => ({
  or_match: { value_matchers: [inList(match), { string_match: text(match) }] },
});

function namespaceExpression(match: StringMatch): string {
  switch (match.kind) {
    case 'exact':
      return quoted(match.value);
    case 'prefix':
      return `${quoted(match.value)}.*`;
    case 'suffix':
      return `.*${quoted(match.value)}`;
    case 'present':
      return '.*';
    case 'regex':
      return match.value;
    case 'template':
      throw new TypeError('a namespace is no path');
  }
}

function path(match: StringMatch): Json {
  if (match.kind !== 'template') return { url_path: { path: text(match) } };
  const template = match.value.replaceAll('{**}', '**').replaceAll('{*}', '*');
  return {
    uri_template: {
      name: 'uri-template',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig',
        path_template: template,
      },
    },
  };
}

const header = (name: string, match: StringMatch, ignoreCase = false): Json => ({
  header: { name, string_match: text(match, ignoreCase) },
});

function text(match: StringMatch, ignoreCase = false): Json {
  const ignore_case = ignoreCase ? { ignore_case: true } : {};
  switch (match.kind) {
    case 'exact':
      return { exact: match.value, ...ignore_case };
    case 'prefix':
      return { prefix: match.value, ...ignore_case };
    case 'suffix':
      return { suffix: match.value, ...ignore_case };
    case 'present':
      return expression('.+');
    case 'regex':
      return expression(match.value);
    case 'template':
      throw new TypeError('only a path can be a template');
  }
}

const expression = (regex: string): Json => ({ safe_regex: { regex } });
const quoted = (value: string): string => value.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const range = ({ address, length }: Cidr): Json => ({ address_prefix: address, prefix_len: length });

const permission = <T>(clause: Clause<T>, one: (value: T) => Json): Json[] =>
  clauseOf(
    clause,
    one,
    (rules) => ({ or_rules: { rules } }),
    (rule) => ({ not_rule: rule }),
  );
const identity = <T>(clause: Clause<T>, one: (value: T) => Json): Json[] =>
  clauseOf(
    clause,
    one,
    (ids) => ({ or_ids: { ids } }),
    (id) => ({ not_id: id }),
  );

function clauseOf<T>(
  { any, none }: Clause<T>,
  one: (value: T) => Json,
  or: (list: Json[]) => Json,
  not: (value: Json) => Json,
): Json[] {
  return [...(any.length > 0 ? [or(any.map(one))] : []), ...(none.length > 0 ? [not(or(none.map(one)))] : [])];
}

const all = (and: string, list: string, items: readonly Json[]): Json =>
  items.length === 0 ? ANY : { [and]: { [list]: items } };
