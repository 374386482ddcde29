import { create } from '@bufbuild/protobuf';
import { AccessLogSchema, ComparisonFilter_Op, type AccessLog } from '#gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import { FileAccessLogSchema } from '#gen/envoy/extensions/access_loggers/file/v3/file_pb.ts';
import { any } from './any.ts';
import { all, expression, statusIs } from './log-filter.ts';
import { PEER_PRINCIPAL } from './names.ts';

/** Where denied requests are written, and which of their headers with them. */
export interface DenialLogOptions {
  readonly path: string;
  /** In lower case. */
  readonly headers: readonly string[];
}

/** The key of a header's value in a line. */
export const HEADER_KEY = 'header ';

/** Longer values are cut: what is as long is seldom compared, and might be worth stealing. */
export const HEADER_LIMIT = 64;

/** What a policy can look at, as it was when it was decided, and what was decided. No query: it may hold secrets. */
const FIELDS = {
  time: '%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%',
  request_id: '%REQ(X-REQUEST-ID):128%',
  principal: `%FILTER_STATE(${PEER_PRINCIPAL}:PLAIN)%`,
  source: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  destination: '%DOWNSTREAM_LOCAL_ADDRESS%',
  authority: '%REQ(:AUTHORITY):256%',
  method: '%REQ(:METHOD)%',
  path: '%PATH(NQ:PATH)%',
  protocol: '%PROTOCOL%',
  status: '%RESPONSE_CODE%',
  details: '%RESPONSE_CODE_DETAILS%',
  route: '%ROUTE_NAME%',
  duration_ms: '%DURATION%',
};

/** What our denials have as response code details, and no answer of an application. */
export const DENIED_DETAILS = 'rbac_access_denied_matched_policy[';

/** A log of the requests that policies denied; a request that is allowed costs it one comparison of a number. */
export const denialLog = (options: DenialLogOptions | undefined): AccessLog[] =>
  options === undefined
    ? []
    : [
        create(AccessLogSchema, {
          name: 'portolan.denials',
          filter: all(
            statusIs(403, ComparisonFilter_Op.EQ),
            expression(`response.code_details.startsWith('${DENIED_DETAILS}')`),
          ),
          configType: {
            case: 'typedConfig',
            value: any(FileAccessLogSchema, {
              path: options.path,
              accessLogFormat: { case: 'logFormat', value: { format: { case: 'jsonFormat', value: fields(options) } } },
            }),
          },
        }),
      ];

const fields = ({ headers }: DenialLogOptions): Record<string, string> => ({
  ...FIELDS,
  ...Object.fromEntries(headers.map((name) => [`${HEADER_KEY}${name}`, `%REQ(${name}):${HEADER_LIMIT}%`])),
});
