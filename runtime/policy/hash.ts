import { FNV_OFFSET_BASIS, FNV_PRIME } from '#abi/program.ts';

/** FNV-1a, 32 bit, as programs use it for the names of routes. */
export function fnv1a(bytes: Uint8Array): number {
  let hash: number = FNV_OFFSET_BASIS;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash >>> 0;
}

const FNV64_OFFSET_BASIS = 0xcbf29ce484222325n;
const FNV64_PRIME = 0x100000001b3n;

/** FNV-1a, 64 bit: the seed of a name in rendezvous hashing. */
export function fnv1a64(bytes: Uint8Array): bigint {
  let hash = FNV64_OFFSET_BASIS;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV64_PRIME);
  return hash;
}
