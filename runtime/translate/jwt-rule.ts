import type { JwtKeys, JwtRule } from '#model/authn.ts';
import type { Finding } from '#model/finding.ts';
import type { JwtRuleSpec, RequestAuthentication } from '#resources/request-authentication.ts';
import { type BackendUse, useBackend } from './backend.ts';
import { refOf } from './condition.ts';
import { milliseconds } from './duration.ts';
import { resolveHost } from './host.ts';
import { none } from './memo.ts';
import type { KnownService } from './service.ts';
import type { Services } from './services.ts';

export interface ReadJwtRules {
  readonly rules: readonly JwtRule[];
  /** Backends that keys are fetched from. */
  readonly uses: readonly BackendUse[];
  readonly findings: readonly Finding[];
}

type Origin = JwtRule['origin'];

/** Istio's own: how long keys are waited for. */
const FETCH_TIMEOUT_MS = 5_000;

/** Claims that are lists of words whatever a rule says. */
const SPACE_DELIMITED = ['permission', 'scope'];

/** Reads the rules of a RequestAuthentication, with the Services that their keys may come from. */
export function readJwtRules(resource: RequestAuthentication, services: Services, clusterDomain: string): ReadJwtRules {
  const { namespace, name } = resource.metadata;
  const uses: BackendUse[] = [];
  const findings: Finding[] = [];
  const rules = resource.spec.jwtRules.map((spec, index): JwtRule => {
    const keys = keysOf(spec, { services, clusterDomain });
    if ('use' in keys && keys.use !== undefined) uses.push(keys.use);
    if (keys.finding !== undefined) findings.push({ ...keys.finding, ...placed(resource, index) });
    return jwtRule(spec, keys.keys, { namespace, name, rule: index });
  });
  return { rules, uses: uses.length === 0 ? none : uses, findings };
}

const placed = (resource: RequestAuthentication, index: number): Pick<Finding, 'resource' | 'path'> => ({
  resource: refOf(resource),
  path: `spec.jwtRules[${index}]`,
});

/** The services among the hosts of the rules' URIs: what reading them depends on besides the resource. */
export const keyServices = (
  { spec }: RequestAuthentication,
  services: Services,
  clusterDomain: string,
): readonly (KnownService | undefined)[] =>
  spec.jwtRules.map((rule) => {
    const uri = uriOf(rule);
    return uri === undefined ? undefined : serviceOf(new URL(uri), { services, clusterDomain });
  });

/** A rule as the model has it; what is not there of a rule that is not valid is as in an empty one. */
export function jwtRule(spec: Partial<JwtRuleSpec>, keys: JwtKeys, origin: Origin): JwtRule {
  const { outputPayloadToHeader } = spec;
  return {
    origin,
    issuer: spec.issuer,
    audiences: spec.audiences ?? none,
    keys,
    fromHeaders: (spec.fromHeaders ?? none).map((each) => ({
      name: each.name.toLowerCase(),
      prefix: each.prefix ?? '',
    })),
    fromParams: spec.fromParams ?? none,
    fromCookies: spec.fromCookies ?? none,
    ...(outputPayloadToHeader === undefined ? {} : { payloadHeader: outputPayloadToHeader.toLowerCase() }),
    claimHeaders: (spec.outputClaimToHeaders ?? none).map(({ header, claim }) => ({
      header: header.toLowerCase(),
      claim,
    })),
    forward: spec.forwardOriginalToken ?? false,
    spaceDelimitedClaims: [...new Set([...SPACE_DELIMITED, ...(spec.spaceDelimitedClaims ?? none)])],
  };
}

interface Around {
  readonly services: Services;
  readonly clusterDomain: string;
}

interface FoundKeys {
  readonly keys: JwtKeys;
  readonly use?: BackendUse;
  readonly finding?: Omit<Finding, 'path'>;
}

const uriOf = ({ jwksUri, jwks_uri }: JwtRuleSpec): string | undefined => jwksUri || jwks_uri || undefined;

/** A full name alone: `auth.shop` may be a host of the world, and who may make a namespace must not take its place. */
function serviceOf({ hostname }: URL, { services, clusterDomain }: Around): KnownService | undefined {
  const named = hostname.includes('.') ? resolveHost(hostname, '', clusterDomain) : undefined;
  return named && services.get(named.namespace, named.name);
}

function keysOf(spec: JwtRuleSpec, around: Around): FoundKeys {
  if (spec.jwks) return { keys: { kind: 'inline', jwks: spec.jwks } };
  const uri = uriOf(spec);
  if (uri === undefined) return undiscovered(spec.issuer);
  const url = new URL(uri);
  const tls = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? (tls ? 443 : 80) : Number(url.port);
  const timeoutMs = milliseconds(spec.timeout ?? '') || FETCH_TIMEOUT_MS;
  const outside = { kind: 'fetched', uri, timeoutMs, from: { kind: 'host', host, port, tls } } as const;
  const service = serviceOf(url, around);
  if (service === undefined) return { keys: outside };
  const known = service.ports.find((each) => each.port === port);
  if (tls || known === undefined || known.protocol === 'tcp') {
    const why = tls ? 'TLS to its endpoints is not supported' : `it has no HTTP port ${port}`;
    return { keys: outside, finding: pastMesh(service, url.host, why) };
  }
  const use = useBackend(service, known, undefined, false);
  return { keys: { kind: 'fetched', uri, timeoutMs, from: { kind: 'backend', backend: use.name } }, use };
}

/** istiod asks the issuer itself where its keys are; nobody does that here. */
function undiscovered(issuer: string): FoundKeys {
  const discovery = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  return {
    keys: { kind: 'none', reason: 'OpenID discovery is not supported' },
    finding: {
      code: 'PTL1702',
      level: 'error',
      message: `issuer "${issuer}" has neither jwks nor jwksUri, and OpenID discovery is not supported`,
      expected: 'jwksUri or jwks',
      came: 'neither',
      effect: 'its tokens are refused with 401',
      next: `set jwksUri to what "jwks_uri" says in ${discovery}`,
    },
  };
}

function pastMesh({ name }: KnownService, host: string, why: string): Omit<Finding, 'path'> {
  return {
    code: 'PTL1706',
    level: 'warning',
    message: `keys come from Service ${name.namespace}/${name.name}, which is asked outside of the mesh: ${why}`,
    came: host,
    effect: 'they are asked for by DNS, without the identity of the waypoint; until they come its tokens are refused',
    next: `use http and an HTTP port of ${name.host}: the mesh encrypts it`,
  };
}
