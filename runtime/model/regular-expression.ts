/**
 * How large the RE2 program of one expression may become. Envoy is told the same (`re2.max_program_size.error_level`),
 * and refuses a whole route table for one that is larger. Istio allows 32,768; a thousand hold any expression that is
 * written by hand, and keep what one tenant's expression costs every request within bounds.
 */
export const MAX_PROGRAM_SIZE = 1_000;
