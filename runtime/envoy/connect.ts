import { create } from '@bufbuild/protobuf';
import { RuntimeUInt32Schema } from '#gen/envoy/config/core/v3/base_pb.ts';
import { FilterSchema, type Filter } from '#gen/envoy/config/listener/v3/listener_components_pb.ts';
import {
  AccessLogFilterSchema,
  AccessLogSchema,
  ComparisonFilter_Op,
  type AccessLog,
} from '#gen/envoy/config/accesslog/v3/accesslog_pb.ts';
import { RouteConfigurationSchema } from '#gen/envoy/config/route/v3/route_pb.ts';
import { RouteAction_ClusterNotFoundResponseCode } from '#gen/envoy/config/route/v3/route_components_pb.ts';
import { ConfigSchema as SetFilterStateSchema } from '#gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.ts';
import { FilterStateValue_SharedWithUpstream } from '#gen/envoy/extensions/filters/common/set_filter_state/v3/value_pb.ts';
import { RouterSchema } from '#gen/envoy/extensions/filters/http/router/v3/router_pb.ts';
import {
  HttpConnectionManager_CodecType,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
} from '#gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { accessLog } from './access-log.ts';
import { any } from './any.ts';
import { duration, encode, NONE } from './encode.ts';
import { HTTP2_LIMITS, NOBODY_INTERNAL } from './http-connection.ts';
import { oneIdentity } from './identity.ts';
import {
  CONNECT_ROUTES,
  CONNECT_TERMINATE,
  DESTINATION_ADDRESS,
  LOCAL_PRINCIPAL,
  PEER_PRINCIPAL,
  SOURCE_ADDRESS,
  SOURCE_BAGGAGE,
  WORKLOADS,
} from './names.ts';
import type { EmitOptions } from './options.ts';
import type { XdsResource } from './resource.ts';
import { tunnelAuthzFilter } from './tunnel-authz.ts';
import { ads } from './source.ts';

/**
 * What the inside of a tunnel knows of its outside. Strings are made by `envoy.hashable_string`: an object that is not
 * hashable is left out of the key of Envoy's connection pools, and a caller would get the identity of whoever opened
 * the pooled connection. `ONCE`: known to the service's listener, not carried on to the destination.
 */
const OUTSIDE: readonly { readonly key: string; readonly value: string; readonly text: boolean }[] = [
  { key: DESTINATION_ADDRESS, value: '%REQ(:AUTHORITY)%', text: false },
  { key: SOURCE_ADDRESS, value: '%DOWNSTREAM_REMOTE_ADDRESS%', text: false },
  { key: PEER_PRINCIPAL, value: '%DOWNSTREAM_PEER_URI_SAN%', text: true },
  { key: LOCAL_PRINCIPAL, value: '%DOWNSTREAM_LOCAL_URI_SAN%', text: true },
  { key: SOURCE_BAGGAGE, value: '%REQ(BAGGAGE)%', text: true },
];

const setFilterState = any(SetFilterStateSchema, {
  onRequestHeaders: OUTSIDE.map(({ key, value, text }) => ({
    key: { case: 'objectKey' as const, value: key },
    ...(text ? { factoryKey: 'envoy.hashable_string' } : {}),
    value: {
      case: 'formatString' as const,
      value: {
        format: { case: 'textFormatSource' as const, value: { specifier: { case: 'inlineString' as const, value } } },
      },
    },
    sharedWithUpstream: FilterStateValue_SharedWithUpstream.ONCE,
    skipIfEmpty: true,
  })),
});

/** Tunnels that were refused. Those that were served are logged request by request, inside. */
const refusals = (path: string | undefined): AccessLog[] =>
  accessLog(path).map((log) =>
    create(AccessLogSchema, {
      ...log,
      filter: create(AccessLogFilterSchema, {
        filterSpecifier: {
          case: 'statusCodeFilter',
          value: {
            comparison: {
              op: ComparisonFilter_Op.GE,
              value: create(RuntimeUInt32Schema, { defaultValue: 400, runtimeKey: 'portolan.access_log.connect' }),
            },
          },
        },
      }),
    }),
  );

/**
 * The HTTP connection manager that ends HBONE: HTTP/2 CONNECT and nothing else. `judged`: policies decide about tunnels,
 * who asks for one being known by then.
 */
export function connectTermination(trustDomains: readonly string[], options: EmitOptions, judged: boolean): Filter {
  return create(FilterSchema, {
    name: 'envoy.filters.network.http_connection_manager',
    configType: {
      case: 'typedConfig',
      value: any(HttpConnectionManagerSchema, {
        statPrefix: CONNECT_TERMINATE,
        codecType: HttpConnectionManager_CodecType.HTTP2,
        routeSpecifier: { case: 'rds', value: { routeConfigName: CONNECT_ROUTES, configSource: ads() } },
        httpFilters: [
          { name: 'envoy.filters.http.set_filter_state', configType: { case: 'typedConfig', value: setFilterState } },
          oneIdentity(trustDomains),
          ...(judged ? [tunnelAuthzFilter()] : []),
          {
            name: 'envoy.filters.http.router',
            configType: { case: 'typedConfig', value: any(RouterSchema, { suppressEnvoyHeaders: true }) },
          },
        ],
        accessLog: refusals(options.accessLog),
        upgradeConfigs: [{ upgradeType: 'CONNECT' }],
        useRemoteAddress: true,
        skipXffAppend: true,
        internalAddressConfig: NOBODY_INTERNAL,
        serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
        // A tunnel may be silent for hours; a peer that is gone is found by keepalive.
        streamIdleTimeout: NONE,
        requestHeadersTimeout: duration(10_000),
        drainTimeout: duration(45_000),
        maxRequestHeadersKb: 16,
        commonHttpProtocolOptions: {
          idleTimeout: duration(3_600_000),
          maxConnectionDuration: duration(options.maxConnectionMs),
          maxHeadersCount: 50,
        },
        http2ProtocolOptions: {
          ...HTTP2_LIMITS,
          allowConnect: true,
          connectionKeepalive: { interval: duration(30_000), timeout: duration(10_000) },
        },
      }),
    },
  });
}

/**
 * An address as only one text can say it: no name, no leading zero, no sign, nothing that Envoy's address parser reads
 * and a person would not. Whatever else is asked for has no route and is answered 404.
 */
const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4 = `(?:${OCTET}\\.){3}${OCTET}`;
const IPV6 = '\\[[0-9a-f:]{2,39}\\]';
const CANONICAL = `(?:${IPV4}|${IPV6}):[1-9][0-9]{0,4}`;

const toCluster = (specifier: { case: 'cluster' | 'clusterHeader'; value: string }) => ({
  match: {
    pathSpecifier: { case: 'connectMatcher' as const, value: {} },
    headers: [
      {
        name: ':authority',
        headerMatchSpecifier: {
          case: 'stringMatch' as const,
          value: { matchPattern: { case: 'safeRegex' as const, value: { regex: CANONICAL } } },
        },
      },
    ],
  },
  action: {
    case: 'route' as const,
    value: {
      clusterSpecifier: specifier,
      clusterNotFoundResponseCode: RouteAction_ClusterNotFoundResponseCode.NOT_FOUND,
      timeout: NONE,
      upgradeConfigs: [{ upgradeType: 'CONNECT', connectConfig: {} }],
    },
  },
});

/**
 * Which tunnels there are. A service port's bridge cluster is named by its authority, so one route serves them all and
 * does not change when services come and go; a pod is asked for by any of its ports.
 */
export function connectRoutes(podAddresses: readonly string[]): XdsResource {
  const pods = podAddresses.map((address) => (address.includes(':') ? `[${address}]:*` : `${address}:*`));
  const message = create(RouteConfigurationSchema, {
    name: CONNECT_ROUTES,
    virtualHosts: [
      ...(pods.length === 0
        ? []
        : [{ name: WORKLOADS, domains: pods, routes: [toCluster({ case: 'cluster', value: WORKLOADS })] }]),
      { name: 'services', domains: ['*'], routes: [toCluster({ case: 'clusterHeader', value: ':authority' })] },
    ],
  });
  return encode(CONNECT_ROUTES, RouteConfigurationSchema, message);
}
