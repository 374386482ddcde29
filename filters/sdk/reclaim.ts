import { STATUS_OK } from '../abi/proxy.ts';
import { contextIn, enter, removeContext, slotCount } from './context.ts';
import { feature } from './feature.ts';
import { Root, freeRoot } from './root.ts';
import { forgetStream } from './stream.ts';

// Who is not told that a root ended asks the host, which refuses to enter a context that is gone. Asking about all of
// them at every configuration would cost a start the square of its services; asking when the programs of roots have
// doubled since costs each configuration the same, and keeps at most as much that is dead as lives.

/** Not worth asking about less. */
const LEAST: usize = 64 * 1024;

let told: bool = false;
let newBytes: usize = 0;
let livingBytes: usize = 0;

/** The filter is told when a root ends. */
export function expectRootEnds(): void {
  told = true;
}

/** Frees the roots that are gone, if it is time to. `configured` is the one that was configured now. */
export function reclaimRoots(configured: Root): void {
  if (told) return;
  newBytes += configured.program.size;
  if (newBytes <= max(livingBytes, LEAST)) return;
  newBytes = 0;
  livingBytes = 0;
  forgetStream();
  for (let slot: u32 = 0; slot < slotCount();) {
    const root = changetype<Root>(contextIn(slot));
    if (changetype<usize>(root) == 0) {
      slot++;
    } else if (enter(root.id) == STATUS_OK) {
      livingBytes += root.program.size;
      slot++;
    } else {
      // Whoever follows may move up into this slot.
      removeContext(root.id);
      feature.onRootEnd(root);
      freeRoot(root);
    }
  }
  enter(configured.id);
}
