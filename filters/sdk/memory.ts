// Memory that the host asks for while a callback runs.
//
// Whatever the host hands over (headers, a property) it puts where `proxy_on_memory_allocate` says. Here that is an
// arena: a pointer that moves, and goes back to the start when the next callback begins. So nothing of it may be
// kept past the callback, and nothing of it is ever freed one by one. What does not fit goes to the heap and is
// freed at the same moment. A program outlives its callback: it is asked for between `toHeap(true)` and
// `toHeap(false)` and belongs to who asked.

const ARENA_SIZE: usize = 128 * 1024;

/** Ahead of a block that did not fit into the arena: the address of the one before it. */
const LINK_SIZE: usize = 16;

const arena: usize = heap.alloc(ARENA_SIZE);
let free: usize = arena;
let overflow: usize = 0;
let owned: bool = false;

/** What the host calls when it needs room for a value of `size` bytes. */
export function proxy_on_memory_allocate(size: u32): usize {
  if (owned) return heap.alloc(max<usize>(size, 1));
  return allocate(size);
}

/** `size` bytes until the end of this callback, 8-aligned, not cleared. */
export function allocate(size: u32): usize {
  const wanted = (<usize>size + 7) & ~7;
  if (size > 0x3fffffff) unreachable(); // past what a VM may hold at all
  if (wanted <= arena + ARENA_SIZE - free) {
    const pointer = free;
    free = pointer + wanted;
    return pointer;
  }
  const block = heap.alloc(wanted + LINK_SIZE);
  store<usize>(block, overflow);
  overflow = block;
  return block + LINK_SIZE;
}

/** Takes back everything the last callback was given. Every callback that reads from the host begins with it. */
export function reset(): void {
  free = arena;
  while (overflow != 0) {
    const block = overflow;
    overflow = load<usize>(block);
    heap.free(block);
  }
}

/** While true, values that the host hands over are on the heap and belong to the caller. */
export function toHeap(on: bool): void {
  owned = on;
}
