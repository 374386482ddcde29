import {
  FIELD_DESTINATION_APP,
  FIELD_DESTINATION_CLUSTER,
  FIELD_DESTINATION_NAMESPACE,
  FIELD_DESTINATION_PRINCIPAL,
  FIELD_DESTINATION_VERSION,
  FIELD_DESTINATION_WORKLOAD,
  FIELD_GRPC_STATUS,
  FIELD_PROTOCOL,
  FIELD_REPORTER,
  FIELD_RESPONSE_CODE,
  FIELD_RESPONSE_FLAGS,
  FIELD_SECURITY_POLICY,
  FIELD_SERVICE_HOST,
  FIELD_SERVICE_NAME,
  FIELD_SERVICE_NAMESPACE,
  FIELD_SOURCE_APP,
  FIELD_SOURCE_CLUSTER,
  FIELD_SOURCE_NAMESPACE,
  FIELD_SOURCE_PRINCIPAL,
  FIELD_SOURCE_VERSION,
  FIELD_SOURCE_WORKLOAD,
} from '#abi/metrics.ts';

/** What a bootstrap puts into `stats_config.stats_tags`: the regular expression finds a label's value in a name. */
export interface StatsTag {
  readonly tagName: string;
  readonly regex: string;
}

/** Istio's labels in Istio's order, each with its place in the name of a series; see abi/metrics.ts. */
const LABELS: readonly (readonly [label: string, field: number])[] = [
  ['reporter', FIELD_REPORTER],
  ['source_workload', FIELD_SOURCE_WORKLOAD],
  ['source_canonical_service', FIELD_SOURCE_APP],
  ['source_canonical_revision', FIELD_SOURCE_VERSION],
  ['source_workload_namespace', FIELD_SOURCE_NAMESPACE],
  ['source_principal', FIELD_SOURCE_PRINCIPAL],
  ['source_app', FIELD_SOURCE_APP],
  ['source_version', FIELD_SOURCE_VERSION],
  ['source_cluster', FIELD_SOURCE_CLUSTER],
  ['destination_workload', FIELD_DESTINATION_WORKLOAD],
  ['destination_workload_namespace', FIELD_DESTINATION_NAMESPACE],
  ['destination_principal', FIELD_DESTINATION_PRINCIPAL],
  ['destination_app', FIELD_DESTINATION_APP],
  ['destination_version', FIELD_DESTINATION_VERSION],
  ['destination_service', FIELD_SERVICE_HOST],
  ['destination_canonical_service', FIELD_DESTINATION_APP],
  ['destination_canonical_revision', FIELD_DESTINATION_VERSION],
  ['destination_service_name', FIELD_SERVICE_NAME],
  ['destination_service_namespace', FIELD_SERVICE_NAMESPACE],
  ['destination_cluster', FIELD_DESTINATION_CLUSTER],
  ['request_protocol', FIELD_PROTOCOL],
  ['response_code', FIELD_RESPONSE_CODE],
  ['grpc_response_status', FIELD_GRPC_STATUS],
  ['response_flags', FIELD_RESPONSE_FLAGS],
  ['connection_security_policy', FIELD_SECURITY_POLICY],
];

/**
 * Envoy tries an expression that begins with `^wasmcustom\.` on statistics of that first token only, so that the
 * others, 100,000 of them, cost nothing. It is std::regex that tries: where an expression does not match it is tried
 * again from every later character, so all of these match every name of ours. No value holds a semicolon, so the lazy
 * parts match in one way; they take a quarter less time than `[^;]*`.
 */
const regexOf = (field: number): string => `^wasmcustom\\.istio_.*?${'\\..*?;'.repeat(field)}(\\.(.*?);)`;

/** Makes Prometheus labels of the names of our metrics. Without these in the bootstrap the labels stay in the names. */
export const STATS_TAGS: readonly StatsTag[] = LABELS.map(([tagName, field]) => ({ tagName, regex: regexOf(field) }));
