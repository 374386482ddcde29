import { BUFFER_PLUGIN_CONFIGURATION, LOG_ERROR } from '../abi/proxy.ts';
import './abort.ts';
import { addContext, findContext, removeContext, Context } from './context.ts';
import { proxy_get_buffer_bytes } from './env.ts';
import { feature } from './feature.ts';
import { put, putNumber, say } from './log.ts';
import { reset, toHeap } from './memory.ts';
import { createProgram, release } from './program.ts';
import { createRoot, freeRoot, Root, setProgram } from './root.ts';
import { createStream, freeStream, Stream } from './stream.ts';
import { Text, text } from './text.ts';
import { VALUE_OUT, take, value, valueSize } from './value.ts';

// The exports that every filter has: `export * from '../sdk/plugin.ts'`.

export { proxy_on_memory_allocate } from './memory';

/** Its presence tells the host which ABI the module speaks. */
export function proxy_abi_version_0_2_1(): void {}

/** A root (`parent` 0) or a stream of the root `parent` begins. */
export function proxy_on_context_create(id: u32, parent: u32): void {
  if (parent == 0) {
    addContext(createRoot(id));
    return;
  }
  const root = findContext(parent);
  if (root != 0) addContext(createStream(id, changetype<Root>(root)));
}

const UNREADABLE = text('configuration cannot be read: status ');
const WITHOUT = text('configuration for a root that was never created: ');

/** A root gets its configuration. 0 refuses it: Envoy rejects the update and keeps what it had. */
export function proxy_on_configure(id: u32, size: u32): u32 {
  reset();
  const root = changetype<Root>(findContext(id));
  if (changetype<usize>(root) == 0 || root.rootId != 0) return fail(WITHOUT, id);
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
  return 1;
}

function fail(why: Text, detail: u32): u32 {
  put(why);
  putNumber(detail);
  say(LOG_ERROR);
  return 0;
}

/** A root or stream is gone. Without this callback a filter would never learn that a program is no longer used. */
export function proxy_on_delete(id: u32): void {
  const context = changetype<Context>(removeContext(id));
  if (changetype<usize>(context) == 0) return;
  if (context.rootId == 0) {
    const root = changetype<Root>(context);
    feature.onRootEnd(root);
    freeRoot(root);
  } else {
    const stream = changetype<Stream>(context);
    feature.onEnd(stream);
    freeStream(stream);
  }
}
