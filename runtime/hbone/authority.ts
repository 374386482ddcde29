import { isIPv4, isIPv6 } from 'node:net';

/** Where a tunnel leads: the `:authority` of an HBONE CONNECT. */
export interface Authority {
  /** IPv4 or IPv6, canonical text, without brackets. */
  readonly address: string;
  readonly port: number;
}

/**
 * Reads `10.96.0.10:9080` or `[fd00::a]:9080`. Only the canonical spelling is read (RFC 5952 for IPv6, no leading
 * zeros, no zone): two spellings of one place would be two things to a policy. Undefined for anything else.
 */
export function parseAuthority(text: string): Authority | undefined {
  const match = /^(?:\[([0-9a-f:]+)\]|([0-9.]+)):([1-9][0-9]{0,4})$/.exec(text);
  const [, v6, v4, portText] = match ?? [];
  const port = Number(portText);
  if (portText === undefined || port > 65_535) return undefined;
  if (v4 !== undefined)
    return isIPv4(v4) && v4.split('.').map(Number).join('.') === v4 ? { address: v4, port } : undefined;
  if (v6 === undefined || !isIPv6(v6) || new URL(`http://[${v6}]/`).hostname !== `[${v6}]`) return undefined;
  return { address: v6, port };
}

/** The authority as it is written on the wire. */
export function formatAuthority({ address, port }: Authority): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
