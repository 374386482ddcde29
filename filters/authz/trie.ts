import { NODE_CHILD_COUNT, NODE_EXACT, NODE_LABEL, NODE_LABEL_SIZE, NODE_PREFIX } from '../abi/authz.ts';
import { equalBytes } from '../sdk/text.ts';
import { add } from './matched.ts';

// Search in byte tries (see abi/authz.ts). Every step down eats a byte of the value or ends.

/** Adds the atoms of all prefixes that the value begins with, and of the value itself. */
export function searchForward(base: usize, root: u32, value: usize, size: u32): void {
  let node = base + root;
  const end = value + size;
  while (true) {
    const labelSize = load<u16>(node, NODE_LABEL_SIZE);
    if (<usize>labelSize > end - value) return;
    if (!equalBytes(node + NODE_LABEL, value, labelSize)) return;
    value += labelSize;
    const prefix = load<u32>(node, NODE_PREFIX);
    if (prefix != 0) add(prefix);
    if (value == end) {
      const exact = load<u32>(node, NODE_EXACT);
      if (exact != 0) add(exact);
      return;
    }
    const child = childOf(node, labelSize, load<u8>(value));
    if (child == 0) return;
    value++;
    node = base + child;
  }
}

/** The exact "atom" of a text, 0 when the trie does not have it. */
export function findExact(base: usize, root: u32, value: usize, size: u32): u32 {
  const end = value + size;
  for (let child = root; child != 0; value++) {
    const node = base + child;
    const labelSize = load<u16>(node, NODE_LABEL_SIZE);
    if (<usize>labelSize > end - value || !equalBytes(node + NODE_LABEL, value, labelSize)) return 0;
    value += labelSize;
    if (value == end) return load<u32>(node, NODE_EXACT);
    child = childOf(node, labelSize, load<u8>(value));
  }
  return 0;
}

/**
 * Adds the atoms of all suffixes that the value ends with, in a reverse trie, if they begin at `latest` or before it
 * (the value's size: wherever they begin).
 */
export function searchBackward(base: usize, root: u32, value: usize, size: u32, latest: u32): void {
  let node = base + root;
  let left = size;
  while (true) {
    const labelSize: u32 = load<u16>(node, NODE_LABEL_SIZE);
    if (labelSize > left) return;
    for (let i: u32 = 0; i < labelSize; i++) {
      if (load<u8>(node + NODE_LABEL + i) != load<u8>(value + (left - 1 - i))) return;
    }
    left -= labelSize;
    const prefix = load<u32>(node, NODE_PREFIX);
    if (prefix != 0 && left <= latest) add(prefix);
    if (left == 0) return;
    const child = childOf(node, labelSize, load<u8>(value + (left - 1)));
    if (child == 0) return;
    left--;
    node = base + child;
  }
}

/** Offset of the child whose first byte this is, or 0. */
function childOf(node: usize, labelSize: u32, byte: u8): u32 {
  const count: u32 = load<u16>(node, NODE_CHILD_COUNT);
  const bytes = node + NODE_LABEL + labelSize;
  let low: u32 = 0;
  let high = count;
  while (high - low > 4) {
    const middle = (low + high) >> 1;
    if (load<u8>(bytes + middle) <= byte) low = middle;
    else high = middle;
  }
  for (; low < high; low++) {
    if (load<u8>(bytes + low) == byte) return load<u32>(bytes + count + ((<usize>low) << 2));
  }
  return 0;
}
