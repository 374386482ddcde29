import { createRegistry, toJson, type JsonValue } from '@bufbuild/protobuf';
import { file_google_protobuf_struct, file_google_protobuf_wrappers } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from 'vitest';
import { dumpSnapshot } from '#envoy/dump.ts';
import { emitWaypoint } from '#envoy/index.ts';
import { DEFAULTS } from '#envoy/options.ts';
import { BootstrapSchema } from '#gen/envoy/config/bootstrap/v3/bootstrap_pb.ts';
import { registry as api } from '#gen/registry.ts';
import { bootstrap } from '#proxy/bootstrap.ts';
import { ResourceStore } from '#resources/store.ts';
import { createTranslator } from '#translate/index.ts';
import { inputOf } from './case.ts';

// The hardened defaults as a table: what Envoy is given, beside what it is to be given. Where we differ from common
// guidance the reason stands here, and in ARCHITECTURE.md.

const modules = { authz: 'authz.wasm', routing: 'routing.wasm', fault: 'fault.wasm', metrics: 'metrics.wasm' };

function waypoint(): Record<string, Record<string, JsonValue>> {
  const { model } = createTranslator()(new ResourceStore().update(inputOf('bookinfo-all')));
  const [first] = model.waypoints;
  if (!first) throw new Error('the case has no waypoint');
  return dumpSnapshot(emitWaypoint(first, { ...DEFAULTS, modules }));
}

const started = toJson(
  BootstrapSchema,
  bootstrap({
    namespace: 'shop',
    name: 'waypoint',
    instance: 'envoy',
    xdsSocket: '/run/xds.sock',
    adminSocket: '/run/admin.sock',
    prometheus: { address: '127.0.0.1', port: 15020 },
    maxHeapBytes: 1 << 30,
  }),
  {
    registry: createRegistry(api, file_google_protobuf_struct, file_google_protobuf_wrappers),
    useProtoFieldName: true,
  },
);

const snapshot = waypoint();
const SERVICE = 'reviews.bookinfo.svc.cluster.local:9080';
const BACKEND = Object.keys(snapshot.Cluster ?? {}).find((name) => name.startsWith('inbound-vip|')) ?? '';

type Json = JsonValue | undefined;

/** Follows names, and `#3` for the fourth of a list, and `@name` for the one of a list that is called so. */
function at(root: Json, path: readonly string[]): Json {
  let value: Json = root;
  for (const step of path) {
    if (Array.isArray(value)) {
      value = step.startsWith('#')
        ? value[Number(step.slice(1))]
        : value.find((one) => typeof one === 'object' && one !== null && 'name' in one && one.name === step.slice(1));
    } else {
      value = typeof value === 'object' && value !== null ? value[step] : undefined;
    }
  }
  return value;
}

const HCM = ['filter_chains', '#0', 'filters', '@envoy.filters.network.http_connection_manager', 'typed_config'];
const places: Readonly<Record<string, Json>> = {
  listener: at(snapshot, ['Listener', 'connect_terminate']),
  outer: at(snapshot, ['Listener', 'connect_terminate', ...HCM]),
  tls: at(snapshot, ['Listener', 'connect_terminate', 'filter_chains', '#0', 'transport_socket', 'typed_config']),
  tunnelRoute: at(snapshot, ['RouteConfiguration', 'connect', 'virtual_hosts', '#0', 'routes', '#0']),
  service: at(snapshot, ['Listener', SERVICE]),
  inner: at(snapshot, ['Listener', SERVICE, ...HCM]),
  routes: at(snapshot, ['RouteConfiguration', SERVICE, 'virtual_hosts', '#0']),
  bridge: at(snapshot, ['Cluster', '10.96.1.12:9080']) ?? at(snapshot, ['Cluster', bridgeName()]),
  backend: at(snapshot, ['Cluster', BACKEND]),
  originate: at(snapshot, ['Cluster', 'connect_originate']),
  bootstrap: started,
};

function bridgeName(): string {
  return Object.keys(snapshot.Cluster ?? {}).find((name) => /^[0-9.]+:\d+$/.test(name)) ?? '';
}

type Row = readonly [place: string, path: string, expected: unknown];

const HTTP2 = 'http2_protocol_options';
const OPTIONS = 'typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const MIB = 1 << 20;

/** The defaults of Envoy against floods, written out: a change of them shows. */
const floods = (place: string): readonly Row[] => [
  [place, `${HTTP2}/max_outbound_frames`, 10_000],
  [place, `${HTTP2}/max_outbound_control_frames`, 1_000],
  [place, `${HTTP2}/max_consecutive_inbound_frames_with_empty_payload`, 1],
  [place, `${HTTP2}/max_inbound_priority_frames_per_stream`, 100],
  [place, `${HTTP2}/max_inbound_window_update_frames_per_data_frame_sent`, 10],
  [place, `${HTTP2}/max_concurrent_streams`, 100],
  [place, `${HTTP2}/initial_stream_window_size`, MIB],
  [place, `${HTTP2}/initial_connection_window_size`, 16 * MIB],
];

const trigger = (value: number): unknown => [{ name: 'envoy.resource_monitors.fixed_heap', threshold: { value } }];

const TABLE: readonly Row[] = [
  // Tunnels.
  ['outer', 'codec_type', 'HTTP2'],
  ['outer', 'upgrade_configs', [{ upgrade_type: 'CONNECT' }]],
  ['outer', 'stream_idle_timeout', '0s'],
  ['outer', 'request_headers_timeout', '10s'],
  ['outer', 'request_timeout', undefined],
  ['outer', 'common_http_protocol_options/idle_timeout', '3600s'],
  ['outer', 'common_http_protocol_options/max_connection_duration', '3600s'],
  ['outer', 'common_http_protocol_options/max_headers_count', 50],
  ['outer', 'drain_timeout', '45s'],
  ['outer', 'max_request_headers_kb', 16],
  ['outer', `${HTTP2}/connection_keepalive`, { interval: '30s', timeout: '10s' }],
  ['outer', 'forward_client_cert_details', undefined],
  ['outer', 'server_header_transformation', 'PASS_THROUGH'],
  ['outer', 'http_filters/@envoy.filters.http.router/typed_config/suppress_envoy_headers', true],
  ...floods('outer'),
  ['tunnelRoute', 'match/connect_matcher', {}],
  ['tunnelRoute', 'match/headers/#0/name', ':authority'],
  ['tunnelRoute', 'match/headers/#0/string_match/safe_regex/regex', expect.stringMatching(/^\(\?:.*\[1-9]/)],
  ['tunnelRoute', 'route/timeout', '0s'],
  ['tunnelRoute', 'route/idle_timeout', undefined],
  ['tunnelRoute', 'route/cluster_not_found_response_code', 'NOT_FOUND'],
  ['listener', 'per_connection_buffer_limit_bytes', MIB],
  ['listener', 'filter_chains/#0/transport_socket_connect_timeout', '10s'],
  ['listener', 'default_filter_chain', undefined],
  // TLS. The SPIFFE validator of Envoy is not used: it takes its bundle from a file, ours comes over SDS and rotates.
  // Its rules are kept by the expression of identities, by `one-identity` and by BoringSSL.
  ['tls', 'require_client_certificate', true],
  ['tls', 'disable_stateless_session_resumption', true],
  ['tls', 'disable_stateful_session_resumption', true],
  ['tls', 'common_tls_context/alpn_protocols', ['h2']],
  ['tls', 'common_tls_context/tls_params/tls_minimum_protocol_version', 'TLSv1_3'],
  ['tls', 'common_tls_context/tls_params/tls_maximum_protocol_version', 'TLSv1_3'],
  [
    'tls',
    'common_tls_context/combined_validation_context/default_validation_context/match_typed_subject_alt_names/#0/matcher/safe_regex/regex',
    'spiffe://cluster\\.local/ns/[A-Za-z0-9_.-]+/sa/[A-Za-z0-9_.-]+',
  ],
  ['outer', 'http_filters/#1/typed_config/rules/policies/one-identity', expect.anything()],
  ['originate', 'transport_socket/typed_config/max_session_keys', 0],
  // In the tunnel.
  ['service', 'per_connection_buffer_limit_bytes', MIB],
  ['service', 'default_filter_chain', undefined],
  ['inner', 'normalize_path', true],
  ['inner', 'merge_slashes', true],
  ['inner', 'path_with_escaped_slashes_action', 'REJECT_REQUEST'],
  ['inner', 'common_http_protocol_options/headers_with_underscores_action', 'REJECT_REQUEST'],
  ['inner', 'common_http_protocol_options/max_headers_count', 100],
  ['inner', 'max_request_headers_kb', 60],
  ['inner', 'strip_trailing_host_dot', true],
  // Ports of hosts are kept: applications make links of them. Policies are judged without them too.
  ['inner', 'strip_matching_host_port', undefined],
  ['inner', 'strip_any_host_port', undefined],
  ['inner', 'use_remote_address', true],
  ['inner', 'skip_xff_append', true],
  ['inner', 'xff_num_trusted_hops', undefined],
  ['inner', 'internal_address_config/cidr_ranges', [{ address_prefix: '255.255.255.255', prefix_len: 32 }]],
  [
    'inner',
    'early_header_mutation_extensions/#0/typed_config/mutations/#0/remove_on_match/key_matcher/prefix',
    'x-envoy-',
  ],
  ['inner', 'forward_client_cert_details', undefined],
  ['inner', 'server_header_transformation', 'PASS_THROUGH'],
  ['inner', 'upgrade_configs', [{ upgrade_type: 'websocket' }]],
  ['inner', 'http_protocol_options/accept_http_10', undefined],
  ['inner', 'http_protocol_options/allow_chunked_length', undefined],
  ['inner', 'http_protocol_options/enable_trailers', undefined],
  ['inner', 'request_headers_timeout', '10s'],
  // Guidance says five minutes. A stream's silence cannot be told from a streaming application's: an hour.
  ['inner', 'stream_idle_timeout', '3600s'],
  ['inner', 'http_filters/@envoy.filters.http.router/typed_config/suppress_envoy_headers', true],
  ...floods('inner'),
  ['routes', 'routes/#0/match/headers/#0', { name: ':method', string_match: { exact: 'TRACE' } }],
  ['routes', 'routes/#1/match/headers/#0', { name: ':authority', string_match: { contains: ',' } }],
  ['routes', 'routes/#2/match/headers/#0', { name: ':authority', string_match: { contains: '@' } }],
  // Clusters.
  ['bridge', 'per_connection_buffer_limit_bytes', MIB],
  ['bridge', 'circuit_breakers/thresholds/#0/max_connections', 65_535],
  ['bridge', 'circuit_breakers/thresholds/#0/max_requests', 65_535],
  ['originate', 'circuit_breakers/thresholds/#0/max_connections', 65_535],
  ['originate', `${OPTIONS}/explicit_http_config/${HTTP2}/max_concurrent_streams`, 100],
  // Guidance says 1,024 and three retries; that cuts a mesh off under load, and a service's limits are its own to set.
  ['backend', 'circuit_breakers/thresholds/#0/max_requests', 65_535],
  ['backend', 'per_connection_buffer_limit_bytes', MIB],
  // The process.
  ['bootstrap', 'admin/address/pipe', { path: '/run/admin.sock', mode: 0o600 }],
  ['bootstrap', 'static_resources/clusters/@portolan-xds/per_connection_buffer_limit_bytes', 32_768],
  ['bootstrap', 'static_resources/clusters/@portolan-admin/per_connection_buffer_limit_bytes', 32_768],
  ['bootstrap', 'static_resources/listeners/@prometheus/per_connection_buffer_limit_bytes', 32_768],
  ['bootstrap', 'overload_manager/resource_monitors/#0/typed_config/max_heap_size_bytes', String(1 << 30)],
  [
    'bootstrap',
    'overload_manager/resource_monitors/@envoy.resource_monitors.global_downstream_max_connections/typed_config/max_active_downstream_connections',
    '20000',
  ],
  ['bootstrap', 'overload_manager/actions/@envoy.overload_actions.shrink_heap/triggers', trigger(0.9)],
  ['bootstrap', 'overload_manager/actions/@envoy.overload_actions.disable_http_keepalive/triggers', trigger(0.92)],
  ['bootstrap', 'overload_manager/actions/@envoy.overload_actions.stop_accepting_requests/triggers', trigger(0.95)],
  [
    'bootstrap',
    'overload_manager/actions/@envoy.overload_actions.reset_high_memory_stream/triggers/#0/scaled',
    { scaling_threshold: 0.9, saturation_threshold: 0.98 },
  ],
  ['bootstrap', 'overload_manager/loadshed_points/@envoy.load_shed_points.tcp_listener_accept/triggers', trigger(0.95)],
  ['bootstrap', 'overload_manager/buffer_factory_config/minimum_account_to_track_power_of_two', 20],
  ...(['main_thread_watchdog', 'worker_watchdog'] as const).flatMap((name): readonly Row[] => [
    ['bootstrap', `watchdogs/${name}/miss_timeout`, '1s'],
    ['bootstrap', `watchdogs/${name}/megamiss_timeout`, '5s'],
    ['bootstrap', `watchdogs/${name}/kill_timeout`, '30s'],
  ]),
];

describe('hardened defaults', () => {
  it.each(TABLE)('%s %s', (place, path, expected) => {
    expect(places[place], `there is no ${place}`).toBeDefined();
    expect(at(places[place], steps(path))).toEqual(expected);
  });

  it('the runtime keys: rapid resets, the size of expressions, and no guard of Envoy switched off', () => {
    const layers = at(started, ['layered_runtime', 'layers', '#0', 'static_layer']) as Record<string, JsonValue>;
    expect(layers).toEqual({
      'overload.premature_reset_total_stream_count': 500,
      'overload.premature_reset_min_stream_lifetime_seconds': 1,
      're2.max_program_size.error_level': 1_000,
    });
  });

  it('every text that a decision reads and that crosses to an upstream is hashable', () => {
    const states = at(places.outer, ['http_filters', '#0', 'typed_config', 'on_request_headers']);
    const keys = (states as readonly Record<string, JsonValue>[]).map(({ object_key, factory_key }) => ({
      object_key,
      factory_key,
    }));
    const texts = keys.filter(({ object_key }) => String(object_key).startsWith('io.istio.'));
    expect(texts.length).toBe(3);
    expect(new Set(texts.map(({ factory_key }) => factory_key))).toEqual(new Set(['envoy.hashable_string']));
  });

  it('every route of a service has the timeout that its resource gives, or none', () => {
    const routes = at(places.routes, ['routes']) as readonly Record<string, Record<string, JsonValue>>[];
    for (const { route } of routes.filter((one) => one.route)) expect(route?.timeout).toBe('0s');
  });

  // Guidance lets metrics fail open. A VM that failed open never counts again until it is configured anew; ours is made
  // again at once, and until then, some ten milliseconds, requests are answered 503.
  it('a filter whose VM trapped is made again, and none is ever passed by; each feature has a VM of its own', () => {
    const configs = Object.values(snapshot.TypedExtensionConfig ?? {}).map((one) =>
      at(one, ['typed_config', 'config']),
    ) as (Record<string, JsonValue> | undefined)[];
    const plugins = configs.filter((one) => one !== undefined);
    expect(plugins.length).toBeGreaterThan(0);
    for (const plugin of plugins) {
      expect(plugin.failure_policy).toBe('FAIL_RELOAD');
      expect(at(plugin, ['vm_config', 'vm_id'])).toBe(`portolan.${String(plugin.root_id)}`);
      expect(at(plugin, ['vm_config', 'environment_variables'])).toBeUndefined();
    }
  });
});

/** Steps of a path; names that hold a slash do not occur, those with dots do. */
const steps = (path: string): readonly string[] => path.split('/');
