import { bitsOf, both, has, isWithin, without, type BitSet } from './bit-set.ts';
import type { Box, Point, Region, Space } from './space.ts';

/** How much looking is left; shared by all searches of one question. */
export interface Budget {
  left: number;
}

/** An attribute is not indexed when its boxes have more cells than this, all together. */
const MOST_ENTRIES = 4_000_000;

/** The boxes by their cells of one attribute. */
interface Index {
  readonly attribute: number;
  /** Boxes that admit every cell. */
  readonly anywhere: readonly number[];
  readonly byCell: ReadonlyMap<number, readonly number[]>;
}

/** Boxes that a search is to stay out of, so kept that those around a point are found at once. */
export class Cover {
  readonly boxes: readonly Box[];
  readonly #absent = new Set<number>();
  readonly #indexes: readonly Index[];

  constructor(space: Space, boxes: readonly Box[]) {
    this.boxes = boxes;
    const attributes = Array.from({ length: space.attributes }, (_, at) => at);
    this.#indexes = attributes.flatMap((attribute) => indexOf(attribute, boxes) ?? []);
  }

  /** Takes a box out of the cover, or puts it back. */
  set(box: number, present: boolean): void {
    if (present) this.#absent.delete(box);
    else this.#absent.add(box);
  }

  /** Numbers of boxes that a point is in, at most so many. */
  around(point: Point, most: number): readonly number[] {
    const found: number[] = [];
    for (const number of this.#candidates(point)) {
      if (this.#absent.has(number) || !isIn(point, this.boxes[number]!.sets)) continue;
      found.push(number);
      if (found.length === most) break;
    }
    return found;
  }

  /** Those that the attribute which tells most apart leaves. */
  #candidates(point: Point): Iterable<number> {
    let best: readonly (readonly number[])[] | undefined;
    let fewest = this.boxes.length;
    for (const { attribute, anywhere, byCell } of this.#indexes) {
      const here = byCell.get(point[attribute]!) ?? [];
      if (anywhere.length + here.length >= fewest) continue;
      fewest = anywhere.length + here.length;
      best = [anywhere, here];
    }
    return best === undefined ? this.boxes.keys() : best.flat();
  }
}

function isIn(point: Point, box: Region): boolean {
  for (let at = 0; at < box.length; at++) {
    const set = box[at];
    if (set !== undefined && !has(set, point[at]!)) return false;
  }
  return true;
}

function indexOf(attribute: number, boxes: readonly Box[]): Index | undefined {
  const anywhere: number[] = [];
  const byCell = new Map<number, number[]>();
  let entries = 0;
  for (const [number, { sets }] of boxes.entries()) {
    const set = sets[attribute];
    if (set === undefined) {
      anywhere.push(number);
      continue;
    }
    const cells = bitsOf(set, MOST_ENTRIES);
    entries += cells.length;
    if (entries > MOST_ENTRIES) return undefined;
    for (const cell of cells) {
      const those = byCell.get(cell);
      if (those === undefined) byCell.set(cell, [number]);
      else those.push(number);
    }
  }
  return anywhere.length === boxes.length ? undefined : { attribute, anywhere, byCell };
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
