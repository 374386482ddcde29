import { constants } from 'node:http2';

/**
 * Why there is no tunnel, or no longer one:
 * `unreachable` no TCP connection; `tls` the handshake failed on either side; `identity` the peer proved to be somebody
 * else; `refused` CONNECT was answered with another status than 2xx; `reset` the stream or connection was reset;
 * `timeout`; `closed` by our own side; `authority` the destination is not a canonical address:port.
 */
export type HboneFailure =
  | 'unreachable'
  | 'tls'
  | 'identity'
  | 'refused'
  | 'reset'
  | 'timeout'
  | 'closed'
  | 'authority';

export interface HboneErrorDetails {
  /** Of the CONNECT response. */
  readonly status?: number;
  /** As TLS names it: `certificate expired`, `unknown ca`. */
  readonly alert?: string;
  /** HTTP/2 error code of RST_STREAM or GOAWAY. */
  readonly resetCode?: number;
  readonly cause?: unknown;
}

export class HboneError extends Error {
  override readonly name = 'HboneError';
  readonly failure: HboneFailure;
  readonly status: number | undefined;
  readonly alert: string | undefined;
  readonly resetCode: number | undefined;
  /** As Node's own errors have it, so that `error.code` can be asked without knowing this class. */
  readonly code: string;

  constructor(failure: HboneFailure, message: string, details: HboneErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.failure = failure;
    this.status = details.status;
    this.alert = details.alert;
    this.resetCode = details.resetCode;
    this.code = failure === 'reset' ? 'ECONNRESET' : `ERR_HBONE_${failure.toUpperCase()}`;
  }
}

/** `REFUSED_STREAM` for 7; the names of RFC 9113, section 7. */
export function resetName(code: number): string {
  for (const [name, value] of Object.entries(constants)) {
    if (value === code && /^NGHTTP2_[A-Z_]+$/.test(name) && RESET_NAMES.has(name.slice(8))) return name.slice(8);
  }
  return `code ${code}`;
}

// http2.constants holds other families (flags, settings) with the same prefix and numbers.
const RESET_NAMES = new Set([
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
]);
