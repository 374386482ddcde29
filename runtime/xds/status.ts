import type { Nack, Protocol } from './event.ts';

/** One type on one stream, counted in resources of the current snapshot that the node wants. */
export interface TypeStatus {
  readonly typeUrl: string;
  readonly inSync: number;
  /** On the way, or waiting for an earlier type. */
  readonly pending: number;
  /** Refused: the node keeps what it held. */
  readonly nacked: number;
  /** Asked for by name, but not in the snapshot. */
  readonly missing: readonly string[];
}

export interface NodeStatus {
  readonly node: string;
  readonly key: string;
  readonly protocol: Protocol;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
  readonly types: readonly TypeStatus[];
  readonly nacks: readonly Nack[];
}

/** What every connected node holds, wants and refuses, at this moment. */
export interface XdsStatus {
  readonly nodes: readonly NodeStatus[];
}

/** How a snapshot was received by the nodes that are connected. */
export interface Settlement {
  readonly nodes: readonly string[];
  /** Empty: everything was accepted by everyone. */
  readonly nacks: readonly Nack[];
  /** Resources of the snapshot that a node never asked for; normal only after a NACK of what refers to them. */
  readonly unasked: number;
}
