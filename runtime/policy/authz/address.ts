import type { Cidr } from '#model/match.ts';

/** An address block of one family: all addresses from `first` to `last`. */
export interface AddressBlock {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  readonly length: number;
}

/**
 * Reads an address block; undefined when it is none. Bits below the length are cleared, and an IPv4 address that is
 * written as IPv6 (`::ffff:10.0.0.1`) is IPv4, as it is when a request comes from it.
 */
export function addressBlock({ address, length }: Cidr): AddressBlock | undefined {
  const four = parseV4(address);
  if (four !== undefined) return block(4, four, length);
  const six = parseV6(address);
  if (six === undefined) return undefined;
  if (six >> 32n === 0xffffn && length >= 96) return block(4, six & 0xffff_ffffn, length - 96);
  return block(6, six, length);
}

/** The address lies in the block. */
export function inBlock(address: AddressBlock, { family, first, last }: AddressBlock): boolean {
  return address.family === family && address.first >= first && address.first <= last;
}

function block(family: 4 | 6, address: bigint, length: number): AddressBlock | undefined {
  const bits = family === 4 ? 32 : 128;
  if (!Number.isInteger(length) || length < 0 || length > bits) return undefined;
  const rest = (1n << BigInt(bits - length)) - 1n;
  const first = address & ~rest;
  return { family, first, last: first | rest, length };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return BigInt(value);
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2 || !text.includes(':')) return undefined;
  const [head, tail] = halves.map((half) => groups(half));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...(tail ?? [])];
  return all.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** Groups of 16 bits of one side of `::`; the last may be an IPv4 address, which is two. */
function groups(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const result: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const four = index === parts.length - 1 ? parseV4(part) : undefined;
    if (four !== undefined) result.push(Number(four >> 16n), Number(four & 0xffffn));
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) result.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return result;
}
