import { headerName, preciseHostname } from './dns-name.ts';
import { portNumber } from './port.ts';
import { localReference } from './reference.ts';
import * as s from './schema.ts';

const header = s.object({
  name: s.required(s.string({ min: 1, format: headerName })),
  value: s.required(s.string({ min: 1, max: 4096 })),
});

/** HTTPHeaderFilter. Of entries whose names differ in case only, the first counts. */
const headerFilter = s.object({
  set: s.list(header, { max: 16 }),
  add: s.list(header, { max: 16 }),
  remove: s.list(s.string({ min: 1 }), { max: 16 }),
});

const path = s.string({ max: 1024 });

/** HTTPPathModifier. */
const pathModifier = s.variants('type', {
  ReplaceFullPath: { replaceFullPath: s.required(path) },
  ReplacePrefixMatch: { replacePrefixMatch: s.required(path) },
});

const redirect = s.object({
  scheme: s.enumeration('http', 'https'),
  hostname: s.string({ min: 1, format: preciseHostname }),
  path: pathModifier,
  port: portNumber,
  statusCode: s.withDefault(
    s.transform(s.integer(300, 399), (code, report) => {
      if (code === 301 || code === 302 || code === 303 || code === 307 || code === 308) return code;
      report.add({
        code: 'PTL1104',
        level: 'error',
        message: `${code} is not a status of a redirect`,
        expected: 'one of: 301, 302, 303, 307, 308',
      });
      return undefined;
    }),
    302,
  ),
});

const rewrite = s.object({ hostname: s.string({ min: 1, format: preciseHostname }), path: pathModifier });

const refused = { level: 'error', effect: 'requests to this rule are answered 500' } as const;

/**
 * HTTPRouteFilter. What is not supported keeps its type without its payload, so that translation sees that there is a
 * filter which it must not skip.
 */
export const httpFilter = s.variants('type', {
  RequestHeaderModifier: { requestHeaderModifier: s.required(headerFilter) },
  ResponseHeaderModifier: { responseHeaderModifier: s.required(headerFilter) },
  RequestRedirect: { requestRedirect: s.required(redirect) },
  URLRewrite: { urlRewrite: s.required(rewrite) },
  RequestMirror: {
    requestMirror: s.unsupported(s.anything(), 'filter RequestMirror', { effect: 'nothing is mirrored' }),
  },
  CORS: { cors: s.unsupported(s.anything(), 'filter CORS', { effect: 'responses get no CORS headers' }) },
  ExtensionRef: { extensionRef: s.unsupported(localReference, 'filter ExtensionRef', refused) },
  ExternalAuth: { externalAuth: s.unsupported(s.anything(), 'filter ExternalAuth', refused) },
});

export type HTTPFilter = s.Infer<typeof httpFilter>;
export type HeaderFilter = s.Infer<typeof headerFilter>;
export type PathModifier = s.Infer<typeof pathModifier>;
