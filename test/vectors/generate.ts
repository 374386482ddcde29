import type {
  AuthzCondition,
  AuthzOperation,
  AuthzPolicy,
  AuthzPolicySet,
  AuthzRequest,
  AuthzRule,
  AuthzSource,
  Clause,
  RequestPrincipalMatch,
} from '#model/authz.ts';
import type { Cidr, StringMatch } from '#model/match.ts';
import { TOKEN_FILTER, TOKEN_PAYLOAD, type MetadataValue } from '#model/metadata.ts';
import type { Dice } from './dice.ts';
import * as pools from './pools.ts';
import * as token from './token.ts';

/** What a generated case may hold. */
export interface Shape {
  /** Also what cannot reach a real waypoint, or what our meaning differs in from Istio's on purpose. */
  readonly odd: boolean;
  /** How many rules the largest sets have. */
  readonly most: number;
}

/** Policies for one port of one service, and requests to it. */
export interface Case {
  readonly set: AuthzPolicySet;
  readonly port: number;
  readonly address: string;
  readonly requests: readonly AuthzRequest[];
}

const NOTHING: Clause<never> = { any: [], none: [] };

/** A random set with requests, half of them made to fit one of its rules, most of these then spoilt in one place. */
export function generateCase(dice: Dice, requests: number, shape: Shape): Case {
  const port = dice.pick(pools.PORTS);
  const address = pools.address(dice);
  const set = policySet(dice, shape);
  const target = { destinationIp: address, destinationPort: port };
  const made = Array.from({ length: requests }, () => {
    const random = { ...randomRequest(dice, shape), ...target };
    return dice.chance(60) ? { ...fittingRequest(dice, set, random, shape), ...target } : random;
  });
  return { set, port, address, requests: made };
}

function policySet(dice: Dice, shape: Shape): AuthzPolicySet {
  const large = dice.chance(4);
  const count = large ? 3 + dice.below(4) : 1 + dice.below(4);
  const scoped = dice.chance(30);
  const policies = Array.from({ length: count }, (_, index): AuthzPolicy => {
    const rules = large ? Math.ceil(shape.most / count) : dice.below(4);
    return {
      namespace: 'foo',
      name: `p${index}`,
      action: dice.chance(45) ? 'DENY' : 'ALLOW',
      rules: Array.from({ length: rules }, () => rule(dice, shape)),
      ...(scoped && dice.chance(60) && { routes: routes(dice) }),
    };
  });
  return {
    policies: [...policies].sort((a, b) =>
      a.action === b.action ? (a.name < b.name ? -1 : 1) : a.action === 'DENY' ? -1 : 1,
    ),
  };
}

const routes = (dice: Dice): readonly string[] =>
  dice.several(1, 2, () => dice.pick(pools.ROUTES)).filter((name) => name !== '');

function rule(dice: Dice, shape: Shape): AuthzRule {
  return {
    from: dice.chance(60) ? dice.several(1, 3, () => source(dice, shape)) : [],
    to: dice.chance(65) ? dice.several(1, 3, () => operation(dice)) : [],
    when: dice.chance(35) ? dice.several(1, 2, () => condition(dice, shape)) : [],
  };
}

function source(dice: Dice, shape: Shape): AuthzSource {
  return {
    principals: dice.chance(50) ? clause(dice, () => principalMatch(dice, shape)) : NOTHING,
    namespaces: dice.chance(30) ? clause(dice, () => namespaceMatch(dice, shape)) : NOTHING,
    ...(dice.chance(12) && { serviceAccounts: clause(dice, () => serviceAccount(dice)) }),
    ...(dice.chance(12) && { trustDomains: clause(dice, () => trustDomainMatch(dice)) }),
    ...(dice.chance(20) && { requestPrincipals: clause(dice, () => token.principalMatch(dice)) }),
    ...(dice.chance(8) && { remoteIpBlocks: clause(dice, () => pools.block(dice)) }),
    ipBlocks: dice.chance(30) ? clause(dice, () => pools.block(dice)) : NOTHING,
  };
}

function operation(dice: Dice): AuthzOperation {
  return {
    hosts: dice.chance(25) ? clause(dice, () => textMatch(dice, dice.pick(pools.HOSTS))) : NOTHING,
    methods: dice.chance(35) ? clause(dice, () => textMatch(dice, dice.pick(pools.METHODS))) : NOTHING,
    paths: dice.chance(55) ? clause(dice, () => pathMatch(dice)) : NOTHING,
    ports: dice.chance(15) ? clause(dice, () => dice.pick(pools.PORTS)) : NOTHING,
  };
}

function condition(dice: Dice, shape: Shape): AuthzCondition {
  switch (dice.below(16)) {
    case 0:
      return { key: 'principal', values: clause(dice, () => principalMatch(dice, shape)) };
    case 1:
      return { key: 'namespace', values: clause(dice, () => namespaceMatch(dice, shape)) };
    case 2:
      return { key: 'sourceIp', values: clause(dice, () => pools.block(dice)) };
    case 3:
      return { key: 'destinationIp', values: clause(dice, () => pools.block(dice)) };
    case 4:
      return { key: 'destinationPort', values: clause(dice, () => dice.pick(pools.PORTS)) };
    case 5:
      return { key: 'serviceAccount', values: clause(dice, () => serviceAccount(dice)) };
    case 6:
      return { key: 'trustDomain', values: clause(dice, () => trustDomainMatch(dice)) };
    case 7:
      return { key: 'requestPrincipal', values: clause(dice, () => token.principalMatch(dice)) };
    case 8:
      return { key: 'remoteIp', values: clause(dice, () => pools.block(dice)) };
    case 9:
    case 10:
      return token.claimCondition(
        dice,
        clause(dice, () => textMatch(dice, token.text(dice))),
      );
    case 11:
      return token.metadataCondition(
        clause(dice, () => ({ list: dice.chance(50), match: textMatch(dice, token.text(dice)) })),
      );
    case 12:
      // A test of plain HTTP has no TLS.
      return shape.odd
        ? { key: 'sni', values: clause(dice, () => textMatch(dice, dice.pick(pools.HOSTS))) }
        : { key: 'trustDomain', values: clause(dice, () => trustDomainMatch(dice)) };
    default: {
      const header = dice.pick(pools.HEADERS);
      return { key: 'header', header, values: clause(dice, () => textMatch(dice, pools.headerValue(dice))) };
    }
  }
}

/** Never empty on both sides: such a clause cannot be written. */
function clause<T>(dice: Dice, value: () => T): Clause<T> {
  switch (dice.below(4)) {
    case 0:
      return { any: [], none: dice.several(1, 2, value) };
    case 1:
      return { any: dice.several(1, 3, value), none: dice.several(1, 2, value) };
    default:
      return { any: dice.several(1, 3, value), none: [] };
  }
}

/** The text itself, what it begins or ends with, or presence. */
function textMatch(dice: Dice, text: string): StringMatch {
  const cut = 1 + dice.below(Math.max(text.length - 1, 1));
  switch (dice.below(8)) {
    case 0:
    case 1:
      return text.length > 1 ? { kind: 'prefix', value: text.slice(0, cut) } : { kind: 'present' };
    case 2:
    case 3:
      return text.length > 1 ? { kind: 'suffix', value: text.slice(cut) } : { kind: 'present' };
    case 4:
      return { kind: 'present' };
    default:
      return text === '' ? { kind: 'present' } : { kind: 'exact', value: text };
  }
}

function principalMatch(dice: Dice, shape: Shape): StringMatch {
  const whole = pools.principal(dice, shape.odd) || 'spiffe://cluster.local/ns/foo/sa/alice';
  const scheme = 'spiffe://'.length;
  const match = textMatch(dice, whole.slice(scheme));
  return match.kind === 'exact' || match.kind === 'prefix' ? { ...match, value: `spiffe://${match.value}` } : match;
}

function namespaceMatch(dice: Dice, shape: Shape): StringMatch {
  const text = pools.namespace(dice);
  if (dice.chance(10)) return { kind: 'regex', value: `${escaped(text.slice(0, 1))}.*${escaped(text.slice(-1))}` };
  const match = textMatch(dice, text);
  // In Istio's expression a suffix, and presence, also match what stands behind the namespace.
  if (!shape.odd && (match.kind === 'suffix' || match.kind === 'present')) return { kind: 'exact', value: text };
  return match;
}

const serviceAccount = (dice: Dice): StringMatch => ({
  kind: 'exact',
  value: `${pools.namespace(dice)}/${pools.account(dice)}`,
});

function trustDomainMatch(dice: Dice): StringMatch {
  const text = pools.trustDomain(dice);
  if (dice.chance(10)) return { kind: 'regex', value: `${escaped(text.slice(0, 2))}.*${escaped(text.slice(-2))}` };
  return textMatch(dice, text);
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function pathMatch(dice: Dice): StringMatch {
  const whole = pools.path(dice).split(/[?#]/, 1)[0] ?? '/';
  if (!dice.chance(30)) return textMatch(dice, whole);
  return { kind: 'template', value: template(dice, whole) };
}

/** Some segments become `{*}`; the rest may become `{**}`, with or without something after it. */
function template(dice: Dice, whole: string): string {
  const segments = whole
    .split('/')
    .slice(1)
    .map((segment) => (/[*=]/.test(segment) || segment === '' ? 'api' : segment));
  const rest = dice.chance(40) ? dice.below(segments.length) : segments.length;
  const parts = segments.slice(0, rest).map((segment) => (dice.chance(45) ? '{*}' : segment));
  if (rest < segments.length) parts.push('{**}', ...(dice.chance(35) ? segments.slice(rest + 1) : []));
  if (!parts.some((part) => part.startsWith('{'))) parts[parts.length - 1] = '{*}';
  return `/${parts.join('/')}`;
}

type Caller = Omit<AuthzRequest, 'destinationIp' | 'destinationPort'>;

function randomRequest(dice: Dice, shape: Shape): Caller {
  const caller = pools.principal(dice, shape.odd);
  const route = dice.pick(pools.ROUTES);
  return {
    ...(caller !== undefined && { principal: caller }),
    sourceIp: pools.address(dice),
    host: dice.pick(pools.HOSTS),
    method: dice.pick(pools.METHODS),
    path: pools.path(dice),
    headers: headers(dice),
    ...(route !== '' && { route }),
    ...(shape.odd && dice.chance(30) && { sni: dice.pick(pools.HOSTS) }),
    ...metadataOf(dice),
  };
}

function metadataOf(dice: Dice): Pick<AuthzRequest, 'metadata'> {
  const metadata = token.metadata(dice);
  return metadata === undefined ? {} : { metadata };
}

/** Up to two lines of some of the headers, in any order. */
function headers(dice: Dice): (readonly [string, string])[] {
  const lines = pools.HEADERS.flatMap((name) =>
    dice.chance(45) ? dice.several(1, 2, () => [name, pools.headerValue(dice)] as const) : [],
  );
  return dice.chance(50) ? lines : lines.reverse();
}

/** A request for which one rule of the set holds, as far as its `any` go; usually with one thing changed then. */
function fittingRequest(dice: Dice, set: AuthzPolicySet, random: AuthzRequest, shape: Shape): Caller {
  const rules = set.policies.flatMap((policy) => policy.rules);
  if (rules.length === 0) return random;
  const chosen = dice.pick(rules);
  const fitting: { -readonly [Key in keyof Caller]: Caller[Key] } = { ...random };
  const fit = (key: keyof typeof COMPLETE, clauseOf: Clause<StringMatch> | undefined): void => {
    if (!clauseOf || clauseOf.any.length === 0) return;
    const text = COMPLETE[key](fittingText(dice, dice.pick(clauseOf.any), random[key] ?? ''));
    if (shape.odd || key !== 'method' || pools.METHODS.includes(text)) fitting[key] = text;
  };
  const from = chosen.from.length > 0 ? dice.pick(chosen.from) : undefined;
  const to = chosen.to.length > 0 ? dice.pick(chosen.to) : undefined;
  const inNamespace = from?.namespaces.any[0];
  const [account] = from?.serviceAccounts?.any ?? [];
  if (account?.kind === 'exact') {
    fitting.principal = `spiffe://cluster.local/ns/${account.value.replace('/', '/sa/')}`;
  }
  const put = (path: readonly string[], value: MetadataValue): void => {
    fitting.metadata = token.withValue(fitting.metadata, path, value);
  };
  const fitPrincipal = (values: Clause<RequestPrincipalMatch> | undefined): void => {
    const [wanted] = values?.any ?? [];
    if (wanted === undefined) return;
    put([TOKEN_FILTER, TOKEN_PAYLOAD, 'iss'], fittingText(dice, wanted.issuer, 'iss') || 'iss');
    put([TOKEN_FILTER, TOKEN_PAYLOAD, 'sub'], fittingText(dice, wanted.subject, 'sub'));
  };
  fitPrincipal(from?.requestPrincipals);
  if (inNamespace) fitting.principal = `spiffe://cluster.local/ns/${fittingText(dice, inNamespace, 'foo')}/sa/alice`;
  fit('principal', from?.principals);
  fit('host', to?.hosts);
  fit('method', to?.methods);
  fit('path', to?.paths);
  if (from && from.ipBlocks.any.length > 0) fitting.sourceIp = inside(dice.pick(from.ipBlocks.any));
  for (const when of chosen.when) {
    if (when.key === 'header' && when.values.any.length > 0) {
      const line = [when.header, fittingText(dice, dice.pick(when.values.any), 'admin')] as const;
      fitting.headers = dice.chance(70) ? [...fitting.headers, line] : [line, ...fitting.headers];
    }
    if (when.key === 'requestPrincipal') fitPrincipal(when.values);
    if (when.key === 'claim' && when.values.any.length > 0) {
      const text = fittingText(dice, dice.pick(when.values.any), 'admin');
      put([TOKEN_FILTER, TOKEN_PAYLOAD, ...when.claim], dice.chance(50) ? text : ['x', text, 1]);
    }
    if (when.key === 'metadata' && when.values.any.length > 0) {
      const { list, match } = dice.pick(when.values.any);
      const text = fittingText(dice, match, 'admin');
      put([when.filter, when.name], list === dice.chance(85) ? ['x', text] : text);
    }
    if (when.key === 'principal') fit('principal', when.values);
    if (when.key === 'sourceIp' && when.values.any.length > 0) fitting.sourceIp = inside(dice.pick(when.values.any));
  }
  // An identity that is a trust domain and nothing more is in it for us, and for Istio only if any will do.
  if (!shape.odd && /^spiffe:\/\/[^/]*$/.test(fitting.principal ?? '')) fitting.principal += '/ns/foo/sa/alice';
  return dice.chance(60) ? spoilt(dice, fitting, shape) : fitting;
}

function spoilt(dice: Dice, request: Caller, shape: Shape): Caller {
  const { principal: _, ...anonymous } = request;
  const caller = pools.principal(dice, shape.odd);
  switch (dice.below(10)) {
    case 0:
      return { ...anonymous, ...(caller !== undefined && { principal: caller }) };
    case 1:
      return { ...request, sourceIp: pools.address(dice) };
    case 2:
      return { ...request, host: request.host.toUpperCase() };
    case 3:
      return { ...request, method: dice.pick(pools.METHODS) };
    case 4:
      return { ...request, path: `${request.path.split('?', 1)[0]}${dice.pick(['/', 'x', '?x', '/x', '/x/y'])}` };
    case 5:
      return { ...request, path: request.path.replace(/[a-z]/, (letter) => letter.toUpperCase()) };
    case 6:
      return { ...request, headers: request.headers.slice(1) };
    case 7:
    case 8: {
      const { metadata: __, ...without } = request;
      return { ...without, ...metadataOf(dice) };
    }
    default:
      return { ...request, headers: [...request.headers, [dice.pick(pools.HEADERS), pools.headerValue(dice)]] };
  }
}

/** Makes a text that fits a suffix or presence one that a request can have. */
const COMPLETE = {
  principal: (text: string): string => (text.startsWith('spiffe://') ? text : `spiffe://cluster.local${text}`),
  host: (text: string): string => text,
  method: (text: string): string => text,
  path: (text: string): string => (text.startsWith('/') ? text : `/x${text}`),
} as const;

function fittingText(dice: Dice, match: StringMatch, fallback: string): string {
  switch (match.kind) {
    case 'exact':
      return match.value;
    case 'prefix':
      return match.value + dice.pick(['', '', 'x', 'admin', '.']);
    case 'suffix':
      return dice.pick(['', '', 'x', 'admin']) + match.value;
    case 'present':
    case 'regex':
      return fallback;
    case 'template':
      return match.value
        .replaceAll('{**}', dice.pick(['', 'x', 'x/y', 'a.b/c', 'a=b']))
        .replaceAll('{*}', dice.pick(['x', '1', '', 'a=b', '%20', 'x/y']));
  }
}

/** The block's own address: its first when it is not written with more. */
const inside = ({ address }: Cidr): string => address;
