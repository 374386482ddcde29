import type { AddressBlock } from './address.ts';

/** From `first` up to the next range's first address, `atom` is the narrowest block (a number plus one; 0: none). */
export interface AddressRange {
  readonly first: bigint;
  readonly atom: number;
}

export interface NumberedBlock {
  readonly block: AddressBlock;
  /** Number plus one. */
  readonly atom: number;
}

/**
 * Blocks of one family as ranges that lie side by side, sorted, the first beginning at 0; and to each block its parent,
 * the next wider one that contains it. Blocks either contain each other or have nothing in common.
 */
export function addressRanges(blocks: readonly NumberedBlock[], parents: Map<number, number>): readonly AddressRange[] {
  const sorted = [...blocks].sort((a, b) => compare(a.block.first, b.block.first) || a.block.length - b.block.length);
  const ranges: AddressRange[] = [];
  const open: NumberedBlock[] = [];
  const begin = (first: bigint, atom: number): void => {
    if (ranges.at(-1)?.first === first) ranges.pop();
    ranges.push({ first, atom });
  };
  /** Ends the blocks that end before the address; all when there is none. */
  const close = (before: bigint | undefined): void => {
    while (true) {
      const last = open.at(-1);
      if (last === undefined || (before !== undefined && last.block.last >= before)) return;
      open.pop();
      begin(last.block.last + 1n, open.at(-1)?.atom ?? 0);
    }
  };
  begin(0n, 0);
  for (const numbered of sorted) {
    close(numbered.block.first);
    parents.set(numbered.atom, open.at(-1)?.atom ?? 0);
    begin(numbered.block.first, numbered.atom);
    open.push(numbered);
  }
  close(undefined);
  const end = 1n << (sorted[0]?.block.family === 4 ? 32n : 128n);
  return ranges.filter(({ first }) => first < end);
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
