// The numbers themselves are shared with the filters; here is what only a host needs.
export * from '#abi/proxy.ts';

/** A module says its ABI by exporting one of these; stock Envoy 1.40 loads both and refuses any other. */
export const ABI_VERSIONS: readonly string[] = ['proxy_abi_version_0_2_1', 'proxy_abi_version_0_2_0'];

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'critical'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
}

/** Details of the 503 that a stream gets whose VM trapped. */
export const FAIL_STREAM_DETAILS = 'wasm_fail_stream';
