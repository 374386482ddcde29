/**
 * Bounds of one stream, wide enough for an Envoy that serves 10,000 services and narrow enough that a hostile client
 * is refused before it costs much.
 */
export interface Limits {
  /**
   * Of one request. An Envoy that reconnects names each resource twice and its version once, about 150 bytes a
   * resource: 40,000 programs (10,000 services) make 6 MB, so the 4 MiB that gRPC defaults to would cut it off for good.
   */
  readonly messageBytes: number;
  /** Names that a stream may ask for in one type: 10,000 services with four programs each, five times over. */
  readonly names: number;
  /** Of one name; ours are a DNS name, a port and a word. */
  readonly nameLength: number;
  /** Types that a stream may ask for. Six are served; an Envoy may ask for others, and waits in vain. */
  readonly types: number;
  /** Until the first message of a stream, in milliseconds. */
  readonly helloMs: number;
  /** Streams at a time; beyond it new ones are refused. */
  readonly streams: number;
  /**
   * Of the resources of one response to names, so that 40,000 programs are neither one block of memory nor one long
   * pause of Envoy's main thread. A type asked for as a whole is answered as a whole: its first response means "all".
   */
  readonly responseBytes: number;
}

export const LIMITS: Limits = {
  messageBytes: 32 << 20,
  names: 200_000,
  nameLength: 1_024,
  types: 16,
  helloMs: 10_000,
  streams: 1_000,
  responseBytes: 4 << 20,
};
