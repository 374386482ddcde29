import { proxy_continue_stream } from './env.ts';
import { STREAM_REQUEST } from '../abi/proxy.ts';
import { enter, findContext } from './context.ts';
import { feature } from './feature.ts';
import { reset } from './memory.ts';
import { Root } from './root.ts';
import { Stream } from './stream.ts';

/** The period of `tickEvery` (clock.ts) has passed. Re-export it only in a filter that ticks. */
export function proxy_on_tick(id: u32): void {
  reset();
  const context = findContext(id);
  if (context != 0) feature.onTick(changetype<Root>(context));
}

/** Lets a request go on that a callback answered with ACTION_PAUSE. Leaves the stream's context entered. */
export function resumeRequest(stream: Stream): u32 {
  const status = enter(stream.id);
  return status != 0 ? status : proxy_continue_stream(STREAM_REQUEST);
}
