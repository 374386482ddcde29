import { ACTION_CONTINUE } from './abi.ts';
import { Body, join } from './context.ts';
import type { HeaderMap } from './headers.ts';

/** `pause`: the filter holds it back, until it continues, replies or the stream ends. */
export type Action = 'continue' | 'pause' | 'reply';

/** Calls one callback of the filter for a flow; `reply` when the stream was answered meanwhile, or its VM failed. */
export type Callback = (part: 'headers' | 'body' | 'trailers', size: number, endOfStream: boolean) => number | 'reply';

const STOP_AND_BUFFER = 1;
const STOP_NO_BUFFER = 3;

/**
 * One direction of an HTTP stream on its way through the filter: headers, body, trailers.
 *
 * A pause in the headers holds everything (Envoy makes StopAllIterationAndWatermark of it); a pause in the body keeps
 * the data, and the next callback sees all that is held. Continue lets go of what is held.
 */
export class Flow {
  readonly #call: Callback;
  headers: HeaderMap | undefined;
  trailers: HeaderMap | undefined;
  /** What the filter can see and change now; gone once it let them pass. */
  openHeaders: HeaderMap | undefined;
  openTrailers: HeaderMap | undefined;
  openBody: Body | undefined;
  /** What went on to the other side. */
  sent: Uint8Array = new Uint8Array(0);
  action: Action = 'continue';
  #paused: 'headers' | 'body' | 'trailers' | undefined;
  #held: Body | undefined;
  #waiting: { chunk: Uint8Array; endOfStream: boolean } | undefined;
  #waitingTrailers: HeaderMap | undefined;

  constructor(call: Callback) {
    this.#call = call;
  }

  begin(headers: HeaderMap, endOfStream: boolean): Action {
    this.headers = headers;
    this.openHeaders = headers;
    const result = this.#call('headers', headers.entries.length, endOfStream);
    if (result === ACTION_CONTINUE) this.openHeaders = undefined;
    return this.#took(result, 'headers');
  }

  body(chunk: Uint8Array, endOfStream: boolean): Action {
    if (this.action === 'reply') return this.action;
    if (this.#paused === 'headers') {
      this.#waiting = { chunk: join(this.#waiting?.chunk ?? new Uint8Array(0), chunk), endOfStream };
      return this.action;
    }
    const body = new Body(this.#held ? join(this.#held.bytes, chunk) : chunk);
    this.openBody = body;
    this.#held = undefined;
    const result = this.#call('body', body.bytes.length, endOfStream);
    if (result === ACTION_CONTINUE) {
      this.openBody = undefined;
      this.#send(body);
    } else if (result !== STOP_NO_BUFFER && result !== 'reply') this.#held = body;
    return this.#took(result, 'body');
  }

  end(trailers: HeaderMap): Action {
    if (this.action === 'reply') return this.action;
    if (this.#paused === 'headers') {
      this.#waitingTrailers = trailers;
      return this.action;
    }
    this.trailers = trailers;
    this.openTrailers = trailers;
    const result = this.#call('trailers', trailers.entries.length, true);
    if (result === ACTION_CONTINUE) {
      this.openTrailers = undefined;
      this.#release();
    }
    return this.#took(result, 'trailers');
  }

  /** `proxy_continue_stream`: goes on from where the filter paused. */
  resume(): void {
    if (this.#paused === undefined || this.action === 'reply') return;
    this.#paused = undefined;
    this.action = 'continue';
    this.close();
    this.#release();
    const [waiting, trailers] = [this.#waiting, this.#waitingTrailers];
    this.#waiting = undefined;
    this.#waitingTrailers = undefined;
    if (waiting) this.body(waiting.chunk, waiting.endOfStream && !trailers);
    if (trailers) this.end(trailers);
  }

  /** What the filter could see of this direction is gone. */
  close(): void {
    this.openHeaders = undefined;
    this.openBody = undefined;
    this.openTrailers = undefined;
  }

  #took(result: number | 'reply', part: 'headers' | 'body' | 'trailers'): Action {
    if (result === 'reply') {
      this.#paused = undefined;
      this.action = 'reply';
    } else if (result === ACTION_CONTINUE) {
      this.#paused = undefined;
      this.action = 'continue';
    } else {
      // A number beyond those of the ABI stops as well.
      this.#paused = part === 'body' && result < STOP_AND_BUFFER ? undefined : part;
      this.action = 'pause';
    }
    return this.action;
  }

  #release(): void {
    if (this.#held) this.#send(this.#held);
    this.#held = undefined;
  }

  #send(body: Body): void {
    this.sent = join(this.sent, body.bytes);
  }
}
