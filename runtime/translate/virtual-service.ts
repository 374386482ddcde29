import type { Finding } from '#model/finding.ts';
import type { HeaderMutations, Route, RouteAction, WeightedBackend } from '#model/route.ts';
import type { VirtualService, VirtualServiceRoute } from '#resources/virtual-service.ts';
import { type BackendUse, useBackend } from './backend.ts';
import { refOf } from './condition.ts';
import type { Destination } from './destination-rule.ts';
import { milliseconds } from './duration.ts';
import { faultOf } from './fault.ts';
import { findService } from './host.ts';
import { noMutations } from './http-filter.ts';
import type { Translated } from './http-route.ts';
import type { KnownPort, KnownService } from './service.ts';
import { requestMatch } from './virtual-service-match.ts';
import type { Services } from './services.ts';

type RouteDestination = VirtualServiceRoute['route'][number];
type Operations = NonNullable<VirtualServiceRoute['headers']>['request'];

/** Where a VirtualService is looked at from: one waypoint. */
export interface VirtualServiceContext {
  readonly clusterDomain: string;
  readonly services: Services;
  readonly attached: (service: KnownService) => boolean;
  readonly destinationOf: (service: KnownService) => Destination | undefined;
}

/**
 * Translates `http` for one port of the service that it is for, in the order written: at a waypoint the first match
 * wins. Nothing matches: 404.
 */
export function translateVirtualService(
  resource: VirtualService,
  port: number,
  context: VirtualServiceContext,
): Translated {
  const { namespace, name } = resource.metadata;
  const uses: BackendUse[] = [];
  const findings: Finding[] = [];
  const routes: Route[] = [];
  resource.spec.http.forEach((http, index) => {
    const matches = http.match.filter((match) => appliesHere(match, port));
    // Every match was for somebody else: the route is for nobody. Without matches it is for everybody.
    if (http.match.length > 0 && matches.length === 0) return;
    const action = actionOf(resource, http, index, port, context, uses, findings);
    const fault = faultOf(http.fault);
    const all = matches.length === 0 ? noMatch : matches;
    all.forEach((match, at) => {
      const route: Route = {
        name: `${namespace}.${name}.${http.name || index}${at === 0 ? '' : `.${at}`}`,
        origin: { kind: 'VirtualService', namespace, name, rule: index },
        match: requestMatch(match),
        action: withPrefix(action, match),
        requestHeaders: mutations(http.headers?.request),
        responseHeaders: mutations(http.headers?.response),
      };
      routes.push(fault === undefined ? route : { ...route, fault });
    });
  });
  return { routes, uses, findings };
}

const noMatch: readonly undefined[] = [undefined];

type Match = VirtualServiceRoute['match'][number];

/** Callers are not told apart by labels or namespace, so a match that asks for it holds for nobody. */
function appliesHere({ port, gateways, sourceLabels, sourceNamespace }: Match, here: number): boolean {
  return (
    (port === undefined || port === here) &&
    (gateways.length === 0 || gateways.includes('mesh')) &&
    Object.keys(sourceLabels).length === 0 &&
    !sourceNamespace
  );
}

function actionOf(
  resource: VirtualService,
  http: VirtualServiceRoute,
  index: number,
  asked: number,
  context: VirtualServiceContext,
  uses: BackendUse[],
  findings: Finding[],
): RouteAction {
  if (http.redirect !== undefined) return redirect(http.redirect);
  const single = http.route.length === 1;
  const backends = http.route.map((destination, at): WeightedBackend => {
    const found = resolve(resource, destination, asked, context);
    const use = 'message' in found ? undefined : found;
    if (use !== undefined) uses.push(use);
    if ('message' in found)
      findings.push(destinationFinding(resource, `spec.http[${index}].route[${at}].destination`, found));
    return {
      backend: use?.name,
      weight: single ? 1 : destination.weight,
      requestHeaders: mutations(destination.headers?.request),
      responseHeaders: mutations(destination.headers?.response),
    };
  });
  if (!backends.some(({ weight }) => weight > 0)) return { kind: 'respond', status: 500, body: '' };
  const timeoutMs = http.timeout === undefined ? 0 : (milliseconds(http.timeout) ?? 0);
  if (http.rewrite === undefined) return { kind: 'forward', backends, timeoutMs };
  const { uri, authority } = http.rewrite;
  return {
    kind: 'forward',
    backends,
    ...(authority === undefined ? {} : { rewriteHost: authority }),
    ...(uri === undefined ? {} : { rewritePath: { kind: 'full', value: uri } }),
    timeoutMs,
  };
}

/** `rewrite.uri` replaces what the match matched: a prefix (`/` when it names none), or the whole path. */
function withPrefix(action: RouteAction, match: Match | undefined): RouteAction {
  if (action.kind !== 'forward' || action.rewritePath === undefined) return action;
  if (match?.uri !== undefined && match.uri.prefix === undefined) return action;
  return { ...action, rewritePath: { kind: 'prefix', value: action.rewritePath.value } };
}

function redirect({
  uri,
  authority,
  port,
  scheme,
  redirectCode,
}: NonNullable<VirtualServiceRoute['redirect']>): RouteAction {
  return {
    kind: 'redirect',
    ...(scheme === undefined ? {} : { scheme }),
    ...(authority === undefined ? {} : { host: authority }),
    ...(port === undefined ? {} : { port }),
    ...(uri === undefined ? {} : { path: { kind: 'full', value: uri } }),
    status: redirectCode ?? 301,
  };
}

type Unresolved = Pick<Finding, 'code' | 'path' | 'message' | 'expected' | 'came' | 'next'>;

function resolve(
  resource: VirtualService,
  { destination }: RouteDestination,
  asked: number,
  context: VirtualServiceContext,
): BackendUse | Unresolved {
  const { host, subset } = destination;
  const service = findService(host, resource.metadata.namespace, context.services, context.clusterDomain);
  if (service === undefined) {
    const message = `host "${host}" is not a Service`;
    return {
      code: 'PTL1204',
      path: '.host',
      message,
      expected: 'the name of a Service',
      came: host,
      next: 'correct the host',
    };
  }
  const port = portOf(service, destination.port?.number, asked);
  if (port === undefined) {
    const came = String(destination.port?.number ?? asked);
    const expected = `one of: ${service.ports.map((each) => each.port).join(', ')}`;
    return {
      code: 'PTL1213',
      path: '.port',
      message: `${service.name.host} has no TCP port ${came}`,
      expected,
      came,
      next: 'set port.number',
    };
  }
  const found = context.destinationOf(service);
  if (subset !== undefined && !found?.subsets.has(subset)) return missingSubset(service, subset, found);
  return useBackend(service, port, subset, context.attached(service));
}

/** Without a number: the only port there is, else the one that was asked for. */
function portOf(service: KnownService, wanted: number | undefined, asked: number): KnownPort | undefined {
  if (wanted === undefined && service.ports.length === 1) return service.ports[0];
  return service.ports.find(({ port }) => port === (wanted ?? asked));
}

function missingSubset(service: KnownService, subset: string, destination: Destination | undefined): Unresolved {
  const defined = [...(destination?.subsets.keys() ?? [])];
  const rules = destination?.rules.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(', ');
  return {
    code: 'PTL1203',
    path: '.subset',
    message: `subset "${subset}" is not defined for ${service.name.host}`,
    expected:
      defined.length === 0
        ? 'a DestinationRule with subsets'
        : `one of: ${defined.join(', ')} (DestinationRule ${rules})`,
    came: subset,
    next: `add subset ${subset}${defined.length === 0 ? '' : `, or use ${defined[0]}`}`,
  };
}

function destinationFinding(resource: VirtualService, path: string, found: Unresolved): Finding {
  return {
    ...found,
    level: 'error',
    resource: refOf(resource),
    path: `${path}${found.path}`,
    effect: 'its share of the requests is answered 500',
  };
}

function mutations(operations: Operations): HeaderMutations {
  if (operations === undefined) return noMutations;
  return { set: Object.entries(operations.set), add: Object.entries(operations.add), remove: operations.remove };
}
