// What a filter costs that does nothing: the baseline of the benchmark. Never published.

import { ACTION_CONTINUE } from '../abi/proxy.ts';
import { Feature, install } from '../sdk/feature.ts';
import { Program } from '../sdk/program.ts';
import { Root } from '../sdk/root.ts';
import { Stream } from '../sdk/stream.ts';

export * from '../sdk/plugin';
export { proxy_on_context_create } from '../sdk/passing';
export { proxy_on_request_headers } from '../sdk/http';

class Empty extends Feature {
  open(program: Program, root: Root): bool {
    return true;
  }

  onRequestHeaders(stream: Stream, endOfStream: bool): u32 {
    return ACTION_CONTINUE;
  }
}

install(new Empty());
