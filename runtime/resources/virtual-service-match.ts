import { checkExpression, regularExpression } from './regular-expression.ts';
import { claimPath } from './routing-claim.ts';
import * as s from './schema.ts';

/** Istio's StringMatch; regular expressions are RE2 and must match the whole value. */
const stringMatch = s.oneOf({
  exact: s.string(),
  prefix: s.string({ min: 1 }),
  regex: regularExpression({ min: 1, max: 1024 }),
});

/** Where an empty match means that the value is there. */
const presence = s.oneOrNone({ exact: s.string(), prefix: s.string(), regex: regularExpression({ max: 1024 }) });

/** Envoy would refuse the whole table for another name. */
const headerOrClaim: readonly [string, (key: string) => boolean] = [
  'a header, or a claim such as @request.auth.claims.group or @request.auth.claims[a][b]',
  (key) => claimPath(key) !== undefined || /^:?[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(key),
];

const fields = s.object({
  name: s.string(),
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: s.map(presence, { key: headerOrClaim }),
  withoutHeaders: s.map(presence, { key: headerOrClaim }),
  queryParams: s.map(presence),
  ignoreUriCase: s.boolean(),
  port: s.integer(1, 65_535),
  gateways: s.list(s.string({ min: 1 })),
  statPrefix: s.ignored(),
  sourceLabels: s.map(s.string()),
  sourceNamespace: s.string(),
});

/**
 * HTTPMatchRequest: every part must hold. Callers are not told apart by their labels or namespace yet; a match that
 * asks for it can hold for nobody, which is how translation must take it.
 */
export const httpMatchRequest = s.check(fields, (match, report) => {
  const { sourceLabels, sourceNamespace = '', uri, ignoreUriCase } = match;
  if (ignoreUriCase === true && uri !== undefined && uri.regex === undefined) {
    checkExpression(regardlessOfCase(uri), report, uri.exact === undefined ? 'uri.prefix' : 'uri.exact');
  }
  const at =
    Object.keys(sourceLabels).length > 0 ? 'sourceLabels' : sourceNamespace === '' ? undefined : 'sourceNamespace';
  if (at === undefined) return;
  const message = `matching by ${at} is not supported by this version`;
  report.add({ code: 'PTL1501', level: 'warning', message, effect: 'this match holds for no request' }, at);
});

/** A path without regard to case can be matched only by a regular expression, which this makes. */
export function regardlessOfCase({ exact, prefix }: { readonly exact?: string; readonly prefix?: string }): string {
  const quoted = (exact ?? prefix ?? '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return `(?i)${quoted}${exact === undefined ? '.*' : ''}`;
}

export type HTTPMatchRequest = s.Infer<typeof httpMatchRequest>;
export type IstioStringMatch = s.Infer<typeof presence>;
