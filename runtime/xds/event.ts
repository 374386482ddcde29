/** The two forms of the protocol: incremental, and state of the world. */
export type Protocol = 'delta' | 'world';

/** Who is at the other end: a process that may open our socket, or the holder of a verified certificate. */
export type Connection =
  | { readonly kind: 'socket' }
  | { readonly kind: 'tls'; readonly subjectAltNames: readonly string[] };

/** One resource version that a node refused; what it held before stays in force there. */
export interface Nack {
  readonly node: string;
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
  /** Envoy's own reason, without the resource that it quotes. */
  readonly reason: string;
}

/** What happens on the streams, for logs, statuses and measurements. Times are in milliseconds. */
export type XdsEvent =
  | { readonly kind: 'connected'; readonly node: string; readonly key: string; readonly protocol: Protocol }
  | { readonly kind: 'disconnected'; readonly node: string; readonly key: string; readonly reason: string }
  | { readonly kind: 'refused'; readonly node: string; readonly reason: string }
  | {
      readonly kind: 'sent';
      readonly node: string;
      readonly typeUrl: string;
      readonly names: readonly string[];
      readonly removed: readonly string[];
      /** Of the whole response message. */
      readonly bytes: number;
    }
  | {
      readonly kind: 'ack';
      readonly node: string;
      readonly typeUrl: string;
      readonly names: readonly string[];
      readonly removed: readonly string[];
      /** From the response's being handed to the transport until its acknowledgement. */
      readonly ms: number;
    }
  /** Once for each node, resource and version, however often the node refuses it. */
  | ({ readonly kind: 'nack' } & Nack);
