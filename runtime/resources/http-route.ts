import { wildcardHostname } from './dns-name.ts';
import { gatewayDuration } from './duration.ts';
import { httpFilter, type HTTPFilter } from './http-filter.ts';
import { httpMatch } from './http-match.ts';
import type { KindDefinition } from './kind.ts';
import { backendFields, parentReference, sectionName } from './reference.ts';
import type { Resource } from './resource.ts';
import * as s from './schema.ts';

const filters = s.check(s.list(httpFilter, { max: 16 }), oneOfEach);

const backendRef = s.object({
  ...backendFields,
  weight: s.withDefault(s.integer(0, 1_000_000), 1),
  filters,
});

const duration = s.string({ format: gatewayDuration });

const rule = s.object({
  name: sectionName,
  /** Never empty: without matches, everything matches. */
  matches: s.withDefault(s.list(httpMatch, { max: 64 }), [
    { path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] },
  ]),
  filters,
  backendRefs: s.list(s.check(backendRef, portOfService), { max: 16 }),
  timeouts: s.object({ request: duration, backendRequest: duration }),
  retry: s.unsupported(s.anything(), 'retry', { effect: 'requests are not retried beyond the default' }),
  sessionPersistence: s.unsupported(s.anything(), 'sessionPersistence', {
    effect: 'callers are not kept on one backend',
  }),
});

const spec = s.object({
  parentRefs: s.list(parentReference, { max: 32 }),
  hostnames: s.list(s.string({ min: 1, format: wildcardHostname }), { max: 16 }),
  rules: s.withDefault(s.list(s.check(rule, redirectOrForward), { min: 1, max: 16 }), [
    {
      matches: [{ path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] }],
      filters: [],
      backendRefs: [],
    },
  ]),
  useDefaultGateways: s.unsupported(s.anything(), 'attaching to default Gateways'),
});

export type HTTPRoute = Resource<'HTTPRoute', s.Infer<typeof spec>>;
export type HTTPRouteRule = HTTPRoute['spec']['rules'][number];

export const httpRoute = {
  kind: 'HTTPRoute',
  group: 'gateway.networking.k8s.io',
  versions: ['v1', 'v1beta1'],
  namespaced: true,
  name: 'subdomain',
  body: s.object({ spec: s.required(spec), status: s.ignored() }),
} satisfies KindDefinition<'HTTPRoute'>;

/** The CRD's rules: most filters may be given once, and a redirect leaves nothing to rewrite. */
function oneOfEach(filters: readonly HTTPFilter[], report: s.Report): void {
  const seen = new Set<string>();
  filters.forEach(({ type }, index) => {
    if (seen.has(type) && type !== 'RequestMirror' && type !== 'ExtensionRef') {
      const message = `filter ${type} may be given once`;
      report.add({ code: 'PTL1107', level: 'error', message, next: 'join the two' }, `[${index}].type`);
    }
    seen.add(type);
  });
  if (seen.has('RequestRedirect') && seen.has('URLRewrite')) {
    report.add({ code: 'PTL1106', level: 'error', message: 'URLRewrite does not go with RequestRedirect' });
  }
}

function redirectOrForward(read: s.Infer<typeof rule>, report: s.Report): void {
  const { filters, backendRefs, matches, timeouts } = read;
  if (backendRefs.length > 0 && filters.some(({ type }) => type === 'RequestRedirect')) {
    const message = 'a rule with RequestRedirect cannot have backendRefs';
    report.add({ code: 'PTL1106', level: 'error', message, next: 'remove one of them' }, 'backendRefs');
  }
  const prefixes = filters.some(
    (filter) =>
      (filter.type === 'URLRewrite' && filter.urlRewrite.path?.type === 'ReplacePrefixMatch') ||
      (filter.type === 'RequestRedirect' && filter.requestRedirect.path?.type === 'ReplacePrefixMatch'),
  );
  if (prefixes && (matches.length !== 1 || matches[0]?.path.type !== 'PathPrefix')) {
    const message = 'ReplacePrefixMatch needs exactly one match, of type PathPrefix';
    report.add({ code: 'PTL1106', level: 'error', message, expected: 'one match of type PathPrefix' }, 'matches');
  }
  const total = milliseconds(timeouts?.request);
  if (total > 0 && milliseconds(timeouts?.backendRequest) > total) {
    const message = 'timeouts.backendRequest must not be longer than timeouts.request';
    report.add({ code: 'PTL1107', level: 'error', message }, 'timeouts.backendRequest');
  }
}

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

function milliseconds(text: string | undefined): number {
  let sum = 0;
  for (const [, count, unit] of (text ?? '').matchAll(/([0-9]+)(h|ms|m|s)/g)) sum += Number(count) * units[unit!]!;
  return sum;
}

function portOfService({ group, kind, port }: s.Infer<typeof backendRef>, report: s.Report): void {
  if (group !== '' || kind !== 'Service' || port !== undefined) return;
  const message = 'a reference to a Service needs a port';
  report.add({ code: 'PTL1105', level: 'error', message, next: 'add port' }, 'port');
}
