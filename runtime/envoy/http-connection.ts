import { create } from '@bufbuild/protobuf';
import { FilterSchema, type Filter } from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import { HttpProtocolOptions_HeadersWithUnderscoresAction } from '#gen/envoy/config/core/v3/protocol_pb.ts';
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
  type HttpFilter,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import type { PathNormalization } from '#model/path-normalization.ts';
import { accessLog } from './access-log.ts';
import { CONNECTION_WINDOW, STREAM_WINDOW } from './cluster.ts';
import { any } from './any.ts';
import { denialLog } from './denial-log.ts';
import { duration } from './encode.ts';
import { localReplies } from './local-reply.ts';
import type { EmitOptions } from './options.ts';
import { ads } from './source.ts';

interface Normalization {
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly pathWithEscapedSlashesAction: EscapedSlashes;
}

/** Istio's mesh settings, and STRICT: an escaped slash is refused, since applications disagree on what it means. */
const NORMALIZATION: Readonly<Record<PathNormalization, Normalization>> = {
  NONE: { normalizePath: false, mergeSlashes: false, pathWithEscapedSlashesAction: EscapedSlashes.KEEP_UNCHANGED },
  BASE: { normalizePath: true, mergeSlashes: false, pathWithEscapedSlashesAction: EscapedSlashes.KEEP_UNCHANGED },
  MERGE_SLASHES: {
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: EscapedSlashes.KEEP_UNCHANGED,
  },
  DECODE_AND_MERGE_SLASHES: {
    normalizePath: true,
    mergeSlashes: true,
    pathWithEscapedSlashesAction: EscapedSlashes.UNESCAPE_AND_FORWARD,
  },
  STRICT: { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: EscapedSlashes.REJECT_REQUEST },
};

/** No caller is trusted to steer Envoy by `x-envoy-*` headers: of an address that is nobody's only this is internal. */
export const NOBODY_INTERNAL = { cidrRanges: [{ addressPrefix: '255.255.255.255', prefixLen: 32 }] };

/** Envoy's defaults against floods, written out so that a change of them is seen. */
export const HTTP2_LIMITS = {
  maxConcurrentStreams: 100,
  initialStreamWindowSize: STREAM_WINDOW,
  initialConnectionWindowSize: CONNECTION_WINDOW,
  maxOutboundFrames: 10_000,
  maxOutboundControlFrames: 1_000,
  maxConsecutiveInboundFramesWithEmptyPayload: 1,
  maxInboundPriorityFramesPerStream: 100,
  maxInboundWindowUpdateFramesPerDataFrameSent: 10,
} as const;

/** The HTTP connection manager inside a tunnel, hardened as if the caller were hostile: it is authenticated, not trusted. */
export function httpConnection(routes: string, filters: HttpFilter[], options: EmitOptions): Filter {
  return create(FilterSchema, {
    name: 'envoy.filters.network.http_connection_manager',
    configType: {
      case: 'typedConfig',
      value: any(HttpConnectionManagerSchema, {
        ...NORMALIZATION[options.pathNormalization ?? 'STRICT'],
        statPrefix: 'inbound',
        routeSpecifier: { case: 'rds', value: { routeConfigName: routes, configSource: ads() } },
        httpFilters: filters,
        accessLog: [...accessLog(options.accessLog), ...denialLog(options.denials)],
        localReplyConfig: localReplies(options.explainTo),
        // The client's address is the tunnel's peer; nothing that the client writes into X-Forwarded-For can change it.
        useRemoteAddress: true,
        skipXffAppend: true,
        internalAddressConfig: NOBODY_INTERNAL,
        preserveExternalRequestId: true,
        stripTrailingHostDot: true,
        // `100 Continue` is the application's to say, after the decision: a denied request gets its 403 without it.
        proxy100Continue: true,
        serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
        upgradeConfigs: [{ upgradeType: 'websocket' }],
        requestHeadersTimeout: duration(10_000),
        // A stream that says nothing for an hour is gone; streaming applications are quiet for minutes.
        streamIdleTimeout: duration(3_600_000),
        maxRequestHeadersKb: 60,
        commonHttpProtocolOptions: {
          idleTimeout: duration(3_600_000),
          maxHeadersCount: 100,
          headersWithUnderscoresAction: HttpProtocolOptions_HeadersWithUnderscoresAction.REJECT_REQUEST,
        },
        httpProtocolOptions: {},
        http2ProtocolOptions: HTTP2_LIMITS,
      }),
    },
  });
}
