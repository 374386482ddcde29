import { ACTION_CONTINUE } from '../abi/proxy.ts';
import { Program } from './program.ts';
import { Root } from './root.ts';
import { Stream, setStreamSize } from './stream.ts';

/**
 * A filter. Of the callbacks only those reach it that its index.ts exports (see README.md): the host calls what a
 * module exports, and each call costs about 0.15 us, so an override without its export is never run.
 */
export abstract class Feature {
  /** Bytes of a stream's record: `offsetof<MyStream>()`. */
  readonly streamSize: u32;

  constructor(streamSize: u32 = <u32>offsetof<Stream>()) {
    this.streamSize = streamSize;
  }

  /**
   * Checks a new program, whole, and may leave what it found in `program.state`. False refuses it, after `refuse` has
   * said why: Envoy keeps the one before.
   */
  abstract open(program: Program, root: Root): bool;

  /** Request headers are there. `stream.program.state` is 0 when there is no program for it. */
  onRequestHeaders(stream: Stream, endOfStream: bool): u32 {
    return ACTION_CONTINUE;
  }

  onRequestBody(stream: Stream, size: u32, endOfStream: bool): u32 {
    return ACTION_CONTINUE;
  }

  onRequestTrailers(stream: Stream): u32 {
    return ACTION_CONTINUE;
  }

  onResponseHeaders(stream: Stream, endOfStream: bool): u32 {
    return ACTION_CONTINUE;
  }

  onResponseBody(stream: Stream, size: u32, endOfStream: bool): u32 {
    return ACTION_CONTINUE;
  }

  onResponseTrailers(stream: Stream): u32 {
    return ACTION_CONTINUE;
  }

  /** A TCP connection was made. */
  onConnection(stream: Stream): u32 {
    return ACTION_CONTINUE;
  }

  onDownstreamData(stream: Stream, size: u32, endOfStream: bool): u32 {
    return ACTION_CONTINUE;
  }

  onUpstreamData(stream: Stream, size: u32, endOfStream: bool): u32 {
    return ACTION_CONTINUE;
  }

  /** The stream is over; everything about it can still be read. */
  onLog(stream: Stream): void {}

  /** The stream's record is about to be freed: forget every pointer to it. */
  onEnd(stream: Stream): void {}

  /** A root is about to be freed. */
  onRootEnd(root: Root): void {}

  /** The period of `tickEvery` has passed. */
  onTick(root: Root): void {}
}

export let feature: Feature = changetype<Feature>(0);

/** Makes this object the filter of the module. Call it once, at the top level of index.ts. */
export function install(instance: Feature): void {
  feature = instance;
  setStreamSize(instance.streamSize);
}
