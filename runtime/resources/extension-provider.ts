import { istioDuration } from './duration.ts';
import * as s from './schema.ts';

const duration = s.string({ format: istioDuration });
const headers = s.list(s.string({ min: 1 }));

/** `[namespace/]hostname`, as Istio takes it. */
const service = s.string({
  format: [
    'a service such as authz.foo.svc.cluster.local or foo/authz.example.com',
    (text) => text.length <= 320 && /^(?:[a-z0-9-]+\/)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text),
  ],
});

const status = s.string({ format: ['an HTTP status such as "503"', (text) => /^[2-5][0-9][0-9]$/.test(text)] });

const body = s.object({
  maxRequestBytes: s.required(s.integer(1, 2 ** 32 - 1)),
  allowPartialMessage: s.boolean(),
  packAsBytes: s.boolean(),
});

const common = {
  service: s.required(service),
  port: s.required(s.integer(1, 65_535)),
  timeout: duration,
  failOpen: s.boolean(),
  clearRouteCache: s.boolean(),
  statusOnError: status,
  includeRequestBodyInCheck: body,
};

const http = s.object({
  ...common,
  pathPrefix: s.string({ format: ['a path that begins with "/"', (text) => text === '' || /^\/[^?#]*$/.test(text)] }),
  /** The older name of `includeRequestHeadersInCheck`. */
  includeHeadersInCheck: headers,
  includeRequestHeadersInCheck: headers,
  includeAdditionalHeadersInCheck: s.map(s.string()),
  headersToUpstreamOnAllow: headers,
  headersToDownstreamOnDeny: headers,
  headersToDownstreamOnAllow: headers,
});

/** Providers of metrics, traces and access logs: known, checked for nothing, and told as not used. */
const others = {
  zipkin: s.anything(),
  lightstep: s.anything(),
  datadog: s.anything(),
  stackdriver: s.anything(),
  opencensus: s.anything(),
  skywalking: s.anything(),
  opentelemetry: s.anything(),
  prometheus: s.anything(),
  envoyFileAccessLog: s.anything(),
  envoyHttpAls: s.anything(),
  envoyTcpAls: s.anything(),
  envoyOtelAls: s.anything(),
  sds: s.anything(),
};

const fields = s.object({
  name: s.required(s.string({ min: 1 })),
  envoyExtAuthzHttp: http,
  envoyExtAuthzGrpc: s.object(common),
  ...others,
});

/** One of `extensionProviders`: a name and exactly one provider. */
export const extensionProvider = s.check(fields, ({ name, ...providers }, report) => {
  const given = Object.keys(providers);
  if (given.length !== 1) {
    const message = `extension provider "${name}" needs exactly one provider`;
    report.add({ code: 'PTL1106', level: 'error', message, came: given.length === 0 ? 'none' : given.join(' and ') });
  }
  const [kind = ''] = given;
  if (!Object.hasOwn(others, kind)) return;
  report.add(
    {
      code: 'PTL1501',
      level: 'info',
      message: `extension provider "${name}" (${kind}) is not used by this version`,
      effect: 'authorizers are used alone; metrics, traces and logs are those of Portolan',
    },
    kind,
  );
});

export type ExtensionProviderSpec = s.Infer<typeof fields>;
