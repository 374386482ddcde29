import { ACTION_CONTINUE, HEADER_MAP_REQUEST, STATUS_OK } from '../abi/proxy.ts';
import { DRAW_HEADER } from '../abi/routing.ts';
import { writeDecimal } from '../sdk/decimal.ts';
import { Feature, install } from '../sdk/feature.ts';
import { removeHeader, replaceHeader } from '../sdk/headers.ts';
import { Program } from '../sdk/program.ts';
import { ROUTE_NAME, readProperty } from '../sdk/properties.ts';
import { random, seedRandom } from '../sdk/random.ts';
import { Root } from '../sdk/root.ts';
import { Stream } from '../sdk/stream.ts';
import { text } from '../sdk/text.ts';
import { value, valueSize } from '../sdk/value.ts';
import { drawFromUrn, drawSticky } from './evaluate.ts';
import { findRow, onlyRow, open, splitOf, urnOf } from './program.ts';
import { readSticky, sticky, stickySize } from './sticky.ts';

export * from '../sdk/plugin';
export { proxy_on_context_create } from '../sdk/passing';
export { proxy_on_request_headers } from '../sdk/http';

const DRAW = text(DRAW_HEADER);
const digits: usize = memory.data(20, 8);

/**
 * Weighted backends. The route's `weighted_clusters` has the same weights and takes its draw from a header: the
 * filter draws the backend by its own program and writes the number with which Envoy comes to the same one.
 * Without a program, or for a route that it does not know, Envoy draws by itself; what a caller wrote into the
 * header never counts.
 */
class Routing extends Feature {
  open(program: Program, root: Root): bool {
    seedRandom();
    return open(program);
  }

  onRequestHeaders(stream: Stream, endOfStream: bool): u32 {
    const program = stream.program;
    const row = program.state == 0 ? -1 : rowOf(program);
    if (row < 0) {
      removeHeader(HEADER_MAP_REQUEST, DRAW);
      return ACTION_CONTINUE;
    }
    const split = splitOf(program, row);
    const draw = readSticky(program, split)
      ? drawSticky(split, sticky, stickySize)
      : drawFromUrn(split, urnOf(program, row), random());
    replaceHeader(HEADER_MAP_REQUEST, DRAW, digits, writeDecimal(digits, draw));
    return ACTION_CONTINUE;
  }
}

/** The row of this request's route; a program of one route is not asked for its name, which would cost 0.5 us. */
function rowOf(program: Program): i32 {
  const row = onlyRow(program);
  if (row >= 0) return row;
  return readProperty(ROUTE_NAME) == STATUS_OK ? findRow(program, value, valueSize) : -1;
}

install(new Routing());
