import { percent } from '../render/bar.ts';
import { printable, type Style } from '../render/style.ts';
import type { BackendShare, ChosenRoute, Explanation } from './explanation.ts';
import type { Verdict } from './verdict.ts';
import { faultText, matchText, originText, policyText } from './words.ts';

/** An explanation for people: the answer first, then each step of the request with its reason. */
export function explanationText(explanation: Explanation, style: Style): string {
  const { service, port, protocol, authority, waypoint, identity, sourceIp, authz, route, lost, backends } =
    explanation;
  const steps: (readonly [string, readonly string[]])[] = [
    ['listener', [`${service}:${port} at ${authority}, ${protocol}, waypoint ${waypoint}`]],
    ['identity', [`${identity} from ${sourceIp}`]],
    ...(authz.asked === undefined ? [] : [['asks', askedLines(authz.asked)] as const]),
    ...(explanation.authn === undefined ? [] : [['authn', explanation.authn.map(tokenText)] as const]),
    ['authz', authzLines(authz, style)],
  ];
  if (authz.allowed) {
    steps.push(['route', routeLines(route, lost)]);
    if (route?.fault !== undefined) steps.push(['fault', [faultText(route.fault)]]);
    steps.push(...backends.map((backend) => ['backend', [backendText(backend)]] as const));
  }
  const lines = steps.map(([name, [first = '', ...more]], index) => {
    const label = `  ${index + 1} ${style.dim(name.padEnd(9))}  `;
    const indent = ' '.repeat(15);
    return `${label}${printable(first)}\n${more.map((line) => `${indent}${printable(line)}\n`).join('')}`;
  });
  return `${headline(explanation, style)}\n${lines.join('')}`;
}

/** What happens to a token of an issuer; explain has none to show. */
const tokenText = ({ issuer, policy, refuses }: NonNullable<Explanation['authn']>[number]): string =>
  refuses === undefined
    ? `a token, if there is one, must be valid: issuer ${issuer ?? 'any'} (${policy})`
    : `tokens ${issuer === undefined ? '' : `of ${issuer} `}are refused: ${refuses} (${policy})`;

function headline({ refused, authz, route, backends }: Explanation, style: Style): string {
  if (refused !== undefined) return `${style.red(style.bold('DENY'))} 400: ${refused}; no policy is asked`;
  if (!authz.allowed) return `${style.red(style.bold('DENY'))} 403 RBAC: access denied`;
  const allow = `${style.green(style.bold('ALLOW'))}${providersText(authz)}`;
  if (route === undefined) return `${allow}, then 404: no route matches`;
  if (route.answer !== undefined) return `${allow}, then ${route.answer}`;
  const targets = backends.map(
    ({ backend = 'unresolved (500)', share }) => `${backend}${share === 1 ? '' : ` ${percent(share)}`}`,
  );
  const extras = [
    route.timeoutMs === undefined || route.timeoutMs === 0 ? '' : `, timeout ${route.timeoutMs} ms`,
    route.retries === undefined || route.retries === 0 ? '' : `, ${route.retries} retries`,
  ];
  return `${allow} → ${targets.join(', ')}${extras.join('')}`;
}

const askedLines = (asked: NonNullable<Verdict['asked']>): readonly string[] =>
  asked.map(({ provider, policy }) => `provider ${provider}, for CUSTOM ${policyText(policy)}`);

const providersText = ({ asked = [] }: Verdict): string =>
  asked.length === 0
    ? ''
    : ` if ${asked.map(({ provider }) => provider).join(' and ')} ${asked.length === 1 ? 'allows' : 'allow'} it`;

function authzLines(verdict: Verdict, style: Style): readonly string[] {
  const { allowed, decidedBy, closed, nearest, denyPolicies, allowPolicies } = verdict;
  if (closed !== undefined) return [`closed: ${closed}`];
  const deny =
    denyPolicies === 0 ? '' : `no DENY matched (${denyPolicies} ${denyPolicies === 1 ? 'policy' : 'policies'}); `;
  if (decidedBy !== undefined) {
    return decidedBy.action === 'DENY'
      ? [`DENY ${policyText(decidedBy)} matched`]
      : [`${deny}ALLOW ${policyText(decidedBy)}`];
  }
  if (allowed) return [`${deny}no ALLOW policy: everything is allowed`];
  return [
    `${deny}no rule of ${allowPolicies} ALLOW ${allowPolicies === 1 ? 'policy' : 'policies'} matched`,
    ...(nearest === undefined
      ? []
      : [`${style.yellow('nearest')} ${policyText(nearest)} misses:`, ...nearest.missed.map((line) => `  ${line}`)]),
  ];
}

function routeLines(route: ChosenRoute | undefined, lost: Explanation['lost']): readonly string[] {
  const before = lost.map(
    ({ name, origin, why }) => `lost: ${originText(origin === undefined ? { name } : { name, origin })}: ${why}`,
  );
  if (route === undefined) return ['none matches: 404', ...before];
  const sticky = route.sticky === undefined ? '' : `, sticky by ${route.sticky}`;
  return [`${originText(route)} ${matchText(route.match)}${sticky}`, ...before];
}

function backendText({ backend, weight, share, endpoints }: BackendShare): string {
  if (backend === undefined) return `unresolved, weight ${weight} (${percent(share)}): answered 500`;
  const ready = `${endpoints} ${endpoints === 1 ? 'endpoint' : 'endpoints'}${endpoints === 0 ? ': answered 503' : ''}`;
  return `${backend} weight ${weight} (${percent(share)}), ${ready}`;
}
