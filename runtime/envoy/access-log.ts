import { create } from '@bufbuild/protobuf';
import { AccessLogSchema, type AccessLog } from '#gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import { FileAccessLogSchema } from '#gen/envoy/extensions/access_loggers/file/v3/file_pb.ts';
import { any } from './any.ts';

import { PEER_PRINCIPAL } from './names.ts';

/** JSON under the keys that Istio's own log has, and the caller's identity, which Istio's lacks. */
const FIELDS = {
  start_time: '%START_TIME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  authority: '%REQ(:AUTHORITY)%',
  response_code: '%RESPONSE_CODE%',
  response_flags: '%RESPONSE_FLAGS%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  request_id: '%REQ(X-REQUEST-ID)%',
  user_agent: '%REQ(USER-AGENT)%',
  source_principal: `%FILTER_STATE(${PEER_PRINCIPAL}:PLAIN)%`,
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  route_name: '%ROUTE_NAME%',
  upstream_cluster: '%UPSTREAM_CLUSTER_RAW%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
};

/** An access log to a file, or none. */
export const accessLog = (path: string | undefined): AccessLog[] =>
  path === undefined
    ? []
    : [
        create(AccessLogSchema, {
          name: 'envoy.access_loggers.file',
          configType: {
            case: 'typedConfig',
            value: any(FileAccessLogSchema, {
              path,
              accessLogFormat: { case: 'logFormat', value: { format: { case: 'jsonFormat', value: FIELDS } } },
            }),
          },
        }),
      ];
