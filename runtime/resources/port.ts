import * as s from './schema.ts';

/** Port names of Kubernetes: `http-metrics`. */
export const portName = s.string({ min: 1, max: 63 });

/** A TCP or UDP port. */
export const portNumber = s.integer(1, 65_535);
export const protocol = s.enumeration('TCP', 'UDP', 'SCTP');
