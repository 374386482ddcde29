import { addContext, findContext } from './context.ts';
import { createRoot, Root } from './root.ts';
import { passStream } from './stream.ts';

// For filters that look at a stream once, when it begins, and keep nothing of it: the host calls `onRequestHeaders` or
// `onConnection` right after this, and no other callback about the stream may be exported. If another stream came
// between, the callback would find a stream without a program. Nobody is told when a stream or a root ends.

/** A root (`parent` 0) or a stream of the root `parent` begins. */
export function proxy_on_context_create(id: u32, parent: u32): void {
  if (parent == 0) {
    addContext(createRoot(id));
    return;
  }
  const root = findContext(parent);
  if (root != 0) passStream(id, changetype<Root>(root));
}
