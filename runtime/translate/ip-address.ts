import { isIPv4, isIPv6 } from 'node:net';

/** Canonical text of an address (RFC 5952 for IPv6; IPv4 in IPv6 becomes IPv4). Undefined: no address. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const address = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (mapped === null) return address;
  const high = Number.parseInt(mapped[1]!, 16);
  const low = Number.parseInt(mapped[2]!, 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** Why no workload of another machine can have the address; undefined: it can. Takes canonical text. */
export function unroutable(address: string): 'loopback' | 'link-local' | 'unspecified' | 'multicast' | undefined {
  if (!address.includes(':')) {
    const [a, b] = address.split('.').map(Number) as [number, number];
    if (a === 127) return 'loopback';
    if (a === 169 && b === 254) return 'link-local';
    if (a === 0) return 'unspecified';
    return a >= 224 ? 'multicast' : undefined;
  }
  if (address === '::1') return 'loopback';
  if (address === '::') return 'unspecified';
  if (/^fe[89ab][0-9a-f]:/.test(address)) return 'link-local';
  return address.startsWith('ff') && /^ff[0-9a-f]{2}:/.test(address) ? 'multicast' : undefined;
}
