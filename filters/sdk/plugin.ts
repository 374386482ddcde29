import { BUFFER_PLUGIN_CONFIGURATION, LOG_ERROR } from '../abi/proxy.ts';
import './abort.ts';
import { addContext, findContext } from './context.ts';
import { proxy_get_buffer_bytes } from './env.ts';
import { feature } from './feature.ts';
import { put, putNumber, say } from './log.ts';
import { reset, toHeap } from './memory.ts';
import { createProgram, release } from './program.ts';
import { reclaimRoots } from './reclaim.ts';
import { createRoot, Root, setProgram } from './root.ts';
import { Text, text } from './text.ts';
import { VALUE_OUT, take, value, valueSize } from './value.ts';

// The exports that every filter has: `export * from '../sdk/plugin'`. What it is told of its streams besides is its
// own choice: lasting.ts, passing.ts, or neither.

export { proxy_on_memory_allocate } from './memory';

/** Its presence tells the host which ABI the module speaks. */
export function proxy_abi_version_0_2_1(): void {}

const UNREADABLE = text('configuration cannot be read: status ');
const STREAM = text('configuration for a stream: ');

/** A root gets its configuration. 0 refuses it: Envoy rejects the update and keeps what it had. */
export function proxy_on_configure(id: u32, size: u32): u32 {
  reset();
  const root = rootOf(id);
  if (root.rootId != 0) return fail(STREAM, id);
  let bytes: usize = 0;
  if (size > 0) {
    toHeap(true);
    const status = take(proxy_get_buffer_bytes(BUFFER_PLUGIN_CONFIGURATION, 0, size, VALUE_OUT, VALUE_OUT + 4));
    toHeap(false);
    if (status != 0) return fail(UNREADABLE, status);
    bytes = value;
    size = valueSize;
  } else {
    bytes = heap.alloc(1);
  }
  const program = createProgram(bytes, size);
  if (!feature.open(program, root)) {
    say(LOG_ERROR);
    release(program);
    return 0;
  }
  setProgram(root, program);
  reclaimRoots(root);
  return 1;
}

/** The root of the id. A filter that is not told when a context begins meets its roots here. */
function rootOf(id: u32): Root {
  const known = findContext(id);
  if (known != 0) return changetype<Root>(known);
  const root = createRoot(id);
  addContext(root);
  return root;
}

function fail(why: Text, detail: u32): u32 {
  put(why);
  putNumber(detail);
  say(LOG_ERROR);
  return 0;
}
