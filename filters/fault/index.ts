import { ACTION_CONTINUE, ACTION_PAUSE, GRPC_STATUS_NONE, METRIC_COUNTER, STATUS_OK } from '../abi/proxy.ts';
import { enter } from '../sdk/context.ts';
import { Feature, install } from '../sdk/feature.ts';
import { METRIC_NONE, defineMetric, increment } from '../sdk/metrics.ts';
import { Program } from '../sdk/program.ts';
import { ROUTE_NAME, readProperty } from '../sdk/properties.ts';
import { random, seedRandom } from '../sdk/random.ts';
import { reply } from '../sdk/reply.ts';
import { Root } from '../sdk/root.ts';
import { stopwatch } from '../sdk/stopwatch.ts';
import { Stream } from '../sdk/stream.ts';
import { Text, text } from '../sdk/text.ts';
import { resumeRequest } from '../sdk/tick.ts';
import { value, valueSize } from '../sdk/value.ts';
import { forgetRoot, rang, setAlarm } from './alarm.ts';
import { DelayedStream } from './delayed.ts';
import { abortOf, delayOf } from './evaluate.ts';
import { findFault, limitOf, open } from './program.ts';
import { dequeue, earliest, enqueue, waiting } from './queue.ts';

export * from '../sdk/plugin';
export { proxy_on_context_create, proxy_on_delete } from '../sdk/lasting';
export { proxy_on_request_headers } from '../sdk/http';
export { proxy_on_tick } from '../sdk/tick';

const BODY = text('fault filter abort');
const DETAILS = text('fault_filter_abort');

// Three names and not one with a label: an expression for the label would be tried, in vain and therefore slowly, on
// every series of the metrics filter (see runtime/policy/metrics/tags.ts).
const DELAYED = text('portolan_faults_delayed_total');
const ABORTED = text('portolan_faults_aborted_total');
const SKIPPED = text('portolan_faults_delay_skipped_total');
let delayed: u32 = METRIC_NONE;
let aborted: u32 = METRIC_NONE;
let skipped: u32 = METRIC_NONE;

const MILLISECOND: u64 = 1000000;

/**
 * Delays and aborts, as Envoy's own fault filter words them: both are decided for themselves, and a request that gets
 * both is aborted after its delay. A waiting request holds nothing but its record; the worker goes on with others.
 * Without a program, or for a route that it does not know, nothing happens to a request.
 */
class Fault extends Feature {
  constructor() {
    super(<u32>offsetof<DelayedStream>());
  }

  open(program: Program, root: Root): bool {
    if (!open(program)) return false;
    seedRandom();
    if (delayed == METRIC_NONE) {
      delayed = counter(DELAYED);
      aborted = counter(ABORTED);
      skipped = counter(SKIPPED);
    }
    return true;
  }

  onRequestHeaders(stream: Stream, endOfStream: bool): u32 {
    const program = stream.program;
    if (program.size == 0 || readProperty(ROUTE_NAME) != STATUS_OK) return ACTION_CONTINUE;
    const fault = findFault(program, value, valueSize);
    if (fault == 0) return ACTION_CONTINUE;
    const delay = delayOf(fault, random());
    const status = abortOf(fault, random());
    if (delay > 0) {
      if (waiting() < limitOf(program)) {
        wait(changetype<DelayedStream>(stream), delay, status);
        return ACTION_PAUSE;
      }
      increment(skipped, 1);
    }
    if (status == 0) return ACTION_CONTINUE;
    abort(status);
    return ACTION_PAUSE;
  }

  onTick(root: Root): void {
    const now = stopwatch();
    rang();
    while (waiting() > 0 && earliest().deadline <= now) {
      const stream = earliest();
      dequeue(stream);
      if (stream.status == 0) resumeRequest(stream);
      else if (enter(stream.id) == STATUS_OK) abort(stream.status);
    }
    setAlarm(now);
  }

  onEnd(stream: Stream): void {
    dequeue(changetype<DelayedStream>(stream));
  }

  onRootEnd(root: Root): void {
    forgetRoot(root.id);
    setAlarm(stopwatch());
  }
}

function wait(stream: DelayedStream, delay: u32, status: u32): void {
  const now = stopwatch();
  stream.deadline = now + <u64>delay * MILLISECOND;
  stream.status = status;
  enqueue(stream);
  increment(delayed, 1);
  setAlarm(now);
}

/** Answers the request whose context is entered. */
function abort(status: u32): void {
  increment(aborted, 1);
  reply(status, DETAILS.pointer, DETAILS.size, BODY, GRPC_STATUS_NONE);
}

function counter(name: Text): u32 {
  return defineMetric(METRIC_COUNTER, name.pointer, name.size);
}

install(new Fault());
