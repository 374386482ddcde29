import { addContext, Context, findContext, removeContext } from './context.ts';
import { feature } from './feature.ts';
import { expectRootEnds } from './reclaim.ts';
import { createRoot, freeRoot, Root } from './root.ts';
import { createStream, freeStream, Stream } from './stream.ts';

// For filters that remember something of a stream until it ends: both callbacks are exports of the module. Others save
// the second one, some 0.2 us a stream, with passing.ts.

expectRootEnds();

/** A root (`parent` 0) or a stream of the root `parent` begins. */
export function proxy_on_context_create(id: u32, parent: u32): void {
  if (parent == 0) {
    addContext(createRoot(id));
    return;
  }
  const root = findContext(parent);
  if (root != 0) addContext(createStream(id, changetype<Root>(root)));
}

/** A root or stream is gone. */
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
