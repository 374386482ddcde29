/** Names one resource: what a finding or a status is about. */
export interface ResourceRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export type Level = 'error' | 'warning' | 'info';

/**
 * One thing found wrong, or worth knowing, about a resource. `code` is stable (`PTL1203`); codes go by hundreds:
 * 10 parse, 11 schema, 12 references, 13 authorization, 14 conflict and precedence, 15 unsupported,
 * 16 mesh configuration, 17 tokens, 20 runtime and Envoy, 21 certificates.
 */
export interface Finding {
  readonly code: string;
  readonly level: Level;
  /** Absent when no resource could be read at all. */
  readonly resource?: ResourceRef;
  /** Field path as kubectl writes it: `spec.rules[0].to[1].operation.paths`. Empty: the resource as a whole. */
  readonly path: string;
  /** One line, whole in itself, with values quoted as they were written. */
  readonly message: string;
  readonly expected?: string;
  readonly came?: string;
  /** What traffic does because of it. */
  readonly effect?: string;
  /** A command to run or an edit to make. */
  readonly next?: string;
}
