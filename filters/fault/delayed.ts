import { Stream } from '../sdk/stream.ts';

/** A stream that may wait. */
@unmanaged
export class DelayedStream extends Stream {
  /** When it goes on, by the stopwatch. */
  deadline: u64 = 0;
  /** Its place in the queue, from 1; 0 when it does not wait. */
  place: u32 = 0;
  /** The status it is answered with when it has waited; 0: it goes on. */
  status: u32 = 0;
}
