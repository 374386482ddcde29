import { GLOB_ATOM, GLOB_PIECES, GLOB_PIECE_COUNT, GLOB_PIECE_SIZE } from '../abi/authz.ts';
import { add } from './matched.ts';

/** Adds the atoms of all globs that the value matches: first piece in front, last at the end, the others between. */
export function searchGlobs(base: usize, globs: u32, size: u32, value: usize, valueSize: u32): void {
  const end = base + globs + size;
  for (let glob = base + globs; glob < end;) {
    const pieces = load<u32>(glob, GLOB_PIECE_COUNT);
    if (matches(base, glob + GLOB_PIECES, pieces, value, valueSize)) add(load<u32>(glob, GLOB_ATOM));
    glob += GLOB_PIECES + <usize>pieces * GLOB_PIECE_SIZE;
  }
}

function matches(base: usize, pieces: usize, count: u32, value: usize, size: u32): bool {
  const first = load<u32>(pieces, 4);
  if (first > size || memory.compare(base + load<u32>(pieces), value, first) != 0) return false;
  if (count == 1) return first == size;
  const lastPiece = pieces + <usize>(count - 1) * GLOB_PIECE_SIZE;
  const last = load<u32>(lastPiece, 4);
  if (last > size - first) return false;
  const end = size - last;
  if (memory.compare(base + load<u32>(lastPiece), value + end, last) != 0) return false;
  // Leftmost is best: it leaves most room for the pieces after it.
  let at = first;
  for (let piece = pieces + GLOB_PIECE_SIZE; piece < lastPiece; piece += GLOB_PIECE_SIZE) {
    const text = base + load<u32>(piece);
    const textSize = load<u32>(piece, 4);
    while (at + textSize <= end && memory.compare(text, value + at, textSize) != 0) at++;
    if (at + textSize > end) return false;
    at += textSize;
  }
  return true;
}
