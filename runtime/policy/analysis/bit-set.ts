/** A set of cells of one attribute, or of boxes: a bit each. Never changed once it is shared. */
export type BitSet = Uint32Array;

export const emptySet = (size: number): BitSet => new Uint32Array((size + 31) >>> 5);

export function fullSet(size: number): BitSet {
  const set = emptySet(size).fill(0xffff_ffff);
  if (size % 32 !== 0) set[set.length - 1] = 2 ** (size % 32) - 1;
  return set;
}

export function add(set: BitSet, bit: number): void {
  set[bit >>> 5]! |= 1 << (bit & 31);
}

export const has = (set: BitSet, bit: number): boolean => ((set[bit >>> 5]! >>> (bit & 31)) & 1) === 1;

export const both = (a: BitSet, b: BitSet): BitSet => a.map((word, index) => word & b[index]!);

export const without = (a: BitSet, b: BitSet): BitSet => a.map((word, index) => word & ~b[index]!);

export const either = (a: BitSet, b: BitSet): BitSet => a.map((word, index) => word | b[index]!);

export const isWithin = (a: BitSet, b: BitSet): boolean => a.every((word, index) => (word & ~b[index]!) === 0);

export const same = (a: BitSet, b: BitSet): boolean => a === b || a.every((word, index) => word === b[index]);

/** The lowest bit; -1 when there is none. */
export function lowest(set: BitSet): number {
  for (let index = 0; index < set.length; index++) {
    const word = set[index]!;
    if (word !== 0) return 32 * index + 31 - Math.clz32(word & -word);
  }
  return -1;
}

/** The lowest bits, at most so many. */
export function bitsOf(set: BitSet, most: number): readonly number[] {
  const bits: number[] = [];
  for (let index = 0; index < set.length; index++) {
    for (let word = set[index]!; word !== 0; word &= word - 1) {
      if (bits.length === most) return bits;
      bits.push(32 * index + 31 - Math.clz32(word & -word));
    }
  }
  return bits;
}
