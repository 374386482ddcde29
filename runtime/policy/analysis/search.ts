import { add, bitsOf, both, emptySet, fullSet, has, isWithin, remove, without, type BitSet } from './bit-set.ts';
import type { Box, Point, Region, Space } from './space.ts';

/** How much looking is left; shared by all searches of one question. */
export interface Budget {
  left: number;
}

/** Boxes that a search is to stay out of, so kept that those around a point are found at once. */
export class Cover {
  readonly boxes: readonly Box[];
  readonly #space: Space;
  readonly #present: BitSet;
  /** By attribute and cell: the boxes that admit it. */
  readonly #rows = new Map<number, BitSet>();
  readonly #asked: readonly number[];

  constructor(space: Space, boxes: readonly Box[]) {
    this.#space = space;
    this.boxes = boxes;
    this.#present = fullSet(boxes.length);
    this.#asked = Array.from({ length: space.attributes }, (_, at) => at).filter((at) =>
      boxes.some(({ sets }) => sets[at] !== undefined),
    );
  }

  /** Takes a box out of the cover, or puts it back. */
  set(box: number, present: boolean): void {
    if (present) add(this.#present, box);
    else remove(this.#present, box);
  }

  /** Numbers of boxes that a point is in, at most so many. */
  around(point: Point, most: number): readonly number[] {
    let found = this.#present;
    for (const attribute of this.#asked) found = both(found, this.#row(attribute, point[attribute]!));
    return bitsOf(found, most);
  }

  #row(attribute: number, cell: number): BitSet {
    const key = attribute + cell * this.#space.attributes;
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = emptySet(this.boxes.length);
      for (const [number, { sets }] of this.boxes.entries()) {
        const set = sets[attribute];
        if (set === undefined || has(set, cell)) add(row, number);
      }
      this.#rows.set(key, row);
    }
    return row;
  }
}

/** Boxes around a point of which the one that is easiest to leave is looked for. */
const LOOKED_AT = 64;

/**
 * A point of a region that is in no box of a cover. A point is tried; when a box is around it, there is a way out for
 * each attribute in which the region is wider than the box, and each is gone in turn. `none`: every point is in a box;
 * `spent`: that is not known.
 */
export function findOutside(space: Space, region: Region, cover: Cover, budget: Budget): Point | 'none' | 'spent' {
  let rest = region;
  for (;;) {
    const point = space.plainest(rest);
    if (point === undefined) return 'none';
    if (budget.left-- <= 0) return 'spent';
    const around = cover.around(point, LOOKED_AT);
    if (around.length === 0) return point;
    let ways: readonly number[] | undefined;
    let chosen: Region = [];
    for (const number of around) {
      const { sets } = cover.boxes[number]!;
      const out = waysOut(space, rest, sets);
      if (ways !== undefined && out.length >= ways.length) continue;
      [ways, chosen] = [out, sets];
      if (out.length < 2) break;
    }
    const [last, ...others] = (ways ?? []).toReversed();
    if (last === undefined) return 'none';
    for (const attribute of others.toReversed()) {
      const now = rest[attribute] ?? space.all(attribute);
      const found = findOutside(space, replaced(rest, attribute, without(now, chosen[attribute]!)), cover, budget);
      if (found !== 'none') return found;
      rest = replaced(rest, attribute, both(now, chosen[attribute]!));
    }
    // The last way needs no return: whatever is not found on it is nowhere.
    rest = replaced(rest, last, without(rest[last] ?? space.all(last), chosen[last]!));
  }
}

/** Attributes in which a region is wider than a box. */
function waysOut(space: Space, region: Region, box: Region): readonly number[] {
  const ways: number[] = [];
  for (const [attribute, set] of box.entries()) {
    if (set === undefined) continue;
    const mine = region[attribute] ?? space.all(attribute);
    if (!isWithin(mine, set)) ways.push(attribute);
  }
  return ways;
}

const replaced = (region: Region, attribute: number, set: BitSet): Region =>
  region.map((before, at) => (at === attribute ? set : before));
