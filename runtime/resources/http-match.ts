import { headerName } from './dns-name.ts';
import { checkExpression } from './regular-expression.ts';
import * as s from './schema.ts';

const path = s.object({
  type: s.withDefault(s.enumeration('Exact', 'PathPrefix', 'RegularExpression'), 'PathPrefix'),
  value: s.withDefault(s.string({ max: 1024 }), '/'),
});

const valueMatch = s.check(
  s.object({
    name: s.required(s.string({ min: 1, format: headerName })),
    type: s.withDefault(s.enumeration('Exact', 'RegularExpression'), 'Exact'),
    value: s.required(s.string({ min: 1, max: 4096 })),
  }),
  ({ type, value }, report) => {
    if (type === 'RegularExpression') checkExpression(value, report, 'value');
  },
);

/**
 * The header by which the routing filter tells the router its draw is written after policies have judged the route. A
 * route that asks for it could be chosen then in place of the one that was judged.
 */
const headerMatch = s.check(valueMatch, ({ name }, report) => {
  if (name.toLowerCase() !== 'x-portolan-draw') return;
  const message = `header "${name}" is the waypoint's own, and no route can ask for it`;
  report.add({ code: 'PTL1104', level: 'error', message, came: name, next: 'match another header' }, 'name');
});

const method = s.enumeration('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH');

/** HTTPRouteMatch: every part must hold. */
export const httpMatch = s.object({
  path: s.withDefault(s.check(path, validPath), { type: 'PathPrefix', value: '/' }),
  headers: s.list(headerMatch, { max: 16 }),
  queryParams: s.list(valueMatch, { max: 16 }),
  method,
});

export type HTTPMatch = s.Infer<typeof httpMatch>;

const forbidden = ['//', '/./', '/../', '%2f', '%2F', '#'];

/** The CRD's rules for paths that are not regular expressions: absolute, and normalized already. Expressions: RE2's. */
function validPath({ type, value }: s.Infer<typeof path>, report: s.Report): void {
  if (type === 'RegularExpression') {
    if (value === '') emptyPath(report);
    else checkExpression(value, report, 'value');
    return;
  }
  const bad = (expected: string): void => {
    const message = `path "${value}" ${expected}`;
    report.add({ code: 'PTL1104', level: 'error', message, expected: `a path that ${expected}`, came: value }, 'value');
  };
  const wrong = forbidden.find((part) => value.includes(part));
  if (!value.startsWith('/')) bad('must begin with "/"');
  else if (wrong !== undefined) bad(`must not contain "${wrong}"`);
  else if (value.endsWith('/..') || value.endsWith('/.')) bad('must not end with "/.." or "/."');
  else if (!/^[-A-Za-z0-9/._~!$&'()*+,;=:@%]+$/.test(value) || /%(?![0-9A-Fa-f]{2})/.test(value)) {
    bad('must hold only characters that a URI path may have');
  }
}

/** The CRD lets it pass; Envoy does not, and no path is empty. */
function emptyPath(report: s.Report): void {
  const message = 'a regular expression for paths must not be empty';
  report.add({ code: 'PTL1111', level: 'error', message, came: '""', next: 'write .* for any path' }, 'value');
}
