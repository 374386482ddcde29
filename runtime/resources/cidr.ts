import { isIP } from 'node:net';
import type { Cidr } from '#model/match.ts';

/**
 * Reads `10.0.0.0/8`, `2001:db8::/32` or a single address, as Go's netip.ParsePrefix and ParseAddr do: no leading
 * zeros, no short forms, no zone in a prefix. Host bits may be set. Undefined when it is none of these.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return undefined;
  const bits = version === 4 ? 32 : 128;
  if (slash < 0) return { address, length: bits };
  const length = text.slice(slash + 1);
  if (!/^(?:0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits) return undefined;
  return { address, length: Number(length) };
}
