import type { Finding } from '#model/finding.ts';
import type { Route, RouteAction, Sticky, WeightedBackend } from '#model/route.ts';
import type { HTTPRoute, HTTPRouteRule } from '#resources/http-route.ts';
import { useBackend, type BackendUse } from './backend.ts';
import type { Referent } from './backend-ref.ts';
import { refOf } from './condition.ts';
import { milliseconds } from './duration.ts';
import { type Filters, noMutations, readFilters } from './http-filter.ts';
import { routeMatch } from './http-match.ts';
import type { KnownService } from './service.ts';
import { stickyOf } from './sticky.ts';

/** Routes of one resource, not yet merged with those of others. */
export interface Translated {
  readonly routes: readonly Route[];
  /** Every backend that they name. */
  readonly uses: readonly BackendUse[];
  readonly findings: readonly Finding[];
}

/**
 * Who asks. `attached`: whether a service is behind the same waypoint. `whole`: the route is for a whole waypoint, so a
 * rule without backends goes to whatever service was asked for (`ownBackend` in its place).
 */
export interface RouteContext {
  readonly attached: (service: KnownService) => boolean;
  readonly whole: boolean;
}

/** Stands for the backend of the service that was asked for, until the service is known. */
export const ownBackend = '';

/** Translates every rule; one route a match, in the order they are written. */
export function translateRoute(
  route: HTTPRoute,
  referents: readonly (readonly Referent[])[],
  context: RouteContext,
): Translated {
  const { namespace, name } = route.metadata;
  const { sticky, finding } = stickyOf(route);
  const uses: BackendUse[] = [];
  const findings: Finding[] = finding === undefined ? [] : [finding];
  const routes = route.spec.rules.flatMap((rule, index): readonly Route[] => {
    const filters = readFilters(rule.filters);
    const backends = weightedBackends(rule, referents[index] ?? [], context, uses);
    addRuleFindings(route, index, referents[index] ?? [], findings);
    const action = actionOf(rule, filters, backends, sticky, context);
    return rule.matches.map((match, at) => ({
      name: [namespace, name, rule.name ?? index, ...(at === 0 ? [] : [at])].join('.'),
      origin: { kind: 'HTTPRoute', namespace, name, rule: index },
      match: routeMatch(match),
      action,
      requestHeaders: filters.requestHeaders,
      responseHeaders: filters.responseHeaders,
    }));
  });
  return { routes, uses, findings };
}

function weightedBackends(
  rule: HTTPRouteRule,
  referents: readonly Referent[],
  context: RouteContext,
  uses: BackendUse[],
): readonly WeightedBackend[] {
  return rule.backendRefs.map((ref, index) => {
    const referent = referents[index];
    const filters = readFilters(ref.filters);
    const { requestHeaders, responseHeaders } = filters;
    const resolved = referent !== undefined && 'service' in referent && !changesMore(filters);
    if (!resolved) return { backend: undefined, weight: ref.weight, requestHeaders, responseHeaders };
    const use = useBackend(referent.service, referent.port, undefined, context.attached(referent.service));
    uses.push(use);
    return { backend: use.name, weight: ref.weight, requestHeaders, responseHeaders };
  });
}

/** A backendRef can change headers; whatever else it asks for cannot be done for a share of the requests. */
const changesMore = (filters: Filters): boolean =>
  filters.refused !== undefined ||
  filters.redirect !== undefined ||
  filters.rewriteHost !== undefined ||
  filters.rewritePath !== undefined;

function actionOf(
  rule: HTTPRouteRule,
  filters: Filters,
  backends: readonly WeightedBackend[],
  sticky: Sticky | undefined,
  context: RouteContext,
): RouteAction {
  if (filters.refused !== undefined) return respond(`filter ${filters.refused} is not supported`);
  if (filters.redirect !== undefined) return filters.redirect;
  const shares = backends.length === 0 && context.whole ? [own] : backends;
  if (!shares.some(({ weight }) => weight > 0)) return respond('');
  return {
    kind: 'forward',
    backends: shares,
    ...(sticky === undefined ? {} : { sticky }),
    ...(filters.rewriteHost === undefined ? {} : { rewriteHost: filters.rewriteHost }),
    ...(filters.rewritePath === undefined ? {} : { rewritePath: filters.rewritePath }),
    timeoutMs: timeoutOf(rule),
  };
}

const respond = (body: string): RouteAction => ({ kind: 'respond', status: 500, body });

const own: WeightedBackend = {
  backend: ownBackend,
  weight: 1,
  requestHeaders: noMutations,
  responseHeaders: noMutations,
};

/** A backend is asked once unless nothing was sent, so the shorter of both limits holds for the request. 0: none. */
function timeoutOf({ timeouts }: HTTPRouteRule): number {
  const limits = [timeouts?.request, timeouts?.backendRequest]
    .map((text) => (text === undefined ? 0 : (milliseconds(text) ?? 0)))
    .filter((limit) => limit > 0);
  return limits.length === 0 ? 0 : Math.min(...limits);
}

function addRuleFindings(route: HTTPRoute, index: number, referents: readonly Referent[], findings: Finding[]): void {
  const rule = route.spec.rules[index]!;
  const path = `spec.rules[${index}]`;
  rule.backendRefs.forEach((ref, at) => {
    const referent = referents[at];
    if (referent !== undefined && 'reason' in referent) {
      findings.push(referentFinding(route, `${path}.backendRefs[${at}]`, referent));
    }
    const filters = readFilters(ref.filters);
    if (filters.refused === undefined && changesMore(filters)) {
      findings.push(filterFinding(route, `${path}.backendRefs[${at}].filters`));
    }
  });
  if (rule.backendRefs.length > 0 && rule.backendRefs.every(({ weight }) => weight === 0)) {
    findings.push(zeroFinding(route, `${path}.backendRefs`));
  }
}

function referentFinding(
  route: HTTPRoute,
  path: string,
  { message, finding }: Extract<Referent, { reason: string }>,
): Finding {
  return {
    level: 'error',
    resource: refOf(route),
    path,
    message: `HTTPRoute ${route.metadata.name}: ${message}`,
    effect: 'its share of the requests is answered 500',
    ...finding,
  };
}

function filterFinding(route: HTTPRoute, path: string): Finding {
  return {
    code: 'PTL1506',
    level: 'error',
    resource: refOf(route),
    path,
    message: `HTTPRoute ${route.metadata.name}: a backendRef can change headers only`,
    expected: 'RequestHeaderModifier or ResponseHeaderModifier',
    effect: 'its share of the requests is answered 500',
    next: 'move the filter to the rule',
  };
}

function zeroFinding(route: HTTPRoute, path: string): Finding {
  return {
    code: 'PTL1406',
    level: 'warning',
    resource: refOf(route),
    path,
    message: `HTTPRoute ${route.metadata.name}: every backend of the rule has weight 0`,
    expected: 'a weight above 0',
    came: '0',
    effect: 'requests to this rule are answered 500',
    next: 'give one backendRef a weight',
  };
}
