// What is known of requests from when they began, by the id of their context. A ring: ids count upwards, so a place is
// taken again after as many streams as there are places. A request that lasted longer finds its place taken, and its
// end asks Envoy for what it would have found there; so nobody has to be told when a stream is gone.

const PLACES: u32 = 4096;

/** A request whose headers came here. */
@unmanaged
export class Begun {
  id: u32 = 0;
  /** Bytes of a request without a body; 0: ask at the end. */
  requestSize: u32 = 0;
  /** By the stopwatch. */
  at: u64 = 0;
  grpc: bool = false;
}

const size: usize = (offsetof<Begun>() + 7) & ~7;
const ring: usize = heap.alloc(size * PLACES);
// An id of 0 is no stream's.
memory.fill(ring, 0, size * PLACES);

function placeOf(id: u32): Begun {
  return changetype<Begun>(ring + <usize>(id % PLACES) * size);
}

/** The place of a request that begins. */
export function begin(id: u32): Begun {
  const begun = placeOf(id);
  begun.id = id;
  return begun;
}

/** What is known of the request, or 0 when its place was taken, or its headers never came. */
export function findBegun(id: u32): usize {
  const begun = placeOf(id);
  return begun.id == id ? changetype<usize>(begun) : 0;
}
