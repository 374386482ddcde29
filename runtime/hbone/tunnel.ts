import { constants, type Http2Stream, type IncomingHttpHeaders } from 'node:http2';
import { Duplex } from 'node:stream';
import type { SpiffeId } from '#model/identity.ts';
import { HboneError, resetName } from './error.ts';

const PIECE = 256 << 10;

/**
 * One HTTP/2 CONNECT stream as the byte stream it stands for. The end of each direction is END_STREAM, so half-close
 * works; a reset arrives as an error with code ECONNRESET, also the RST_STREAM(NO_ERROR) that Envoy sends for an
 * abortive close, which Node alone would show as a clean end. Destroying it before both directions ended resets the
 * stream. Has the methods of a socket that Node's HTTP client calls.
 */
export class Tunnel extends Duplex {
  /** Who is at the other end of the TLS connection. */
  readonly peer: SpiffeId;
  /** Of the CONNECT request (server) or its response (client). */
  readonly headers: IncomingHttpHeaders;
  readonly #stream: Http2Stream;
  #endedBeforeAbort = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(stream: Http2Stream, peer: SpiffeId, headers: IncomingHttpHeaders) {
    super({ allowHalfOpen: true, readableHighWaterMark: 65_536, writableHighWaterMark: 65_536 });
    this.#stream = stream;
    this.peer = peer;
    this.headers = headers;
    stream.on('data', (chunk: Buffer) => {
      this.#touch();
      if (!this.push(chunk)) stream.pause();
    });
    stream.on('aborted', () => (this.#endedBeforeAbort = stream.readableEnded));
    stream.on('end', () => {
      if (!stream.aborted || this.#endedBeforeAbort) this.push(null);
    });
    stream.on('error', (error: NodeJS.ErrnoException) => this.destroy(this.#reset(error)));
    stream.on('close', () => {
      const clean = stream.readableEnded && (this.writableFinished || this.#endedBeforeAbort);
      if (!clean || stream.aborted)
        this.destroy(this.writableFinished && this.readableEnded ? undefined : this.#reset());
    });
    stream.pause();
  }

  #reset(cause?: NodeJS.ErrnoException): HboneError {
    const resetCode = this.#stream.rstCode ?? constants.NGHTTP2_NO_ERROR;
    const details = cause === undefined ? { resetCode } : { resetCode, cause };
    return new HboneError('reset', `the tunnel was reset by its peer (${resetName(resetCode)})`, details);
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#touch();
    if (this.#stream.destroyed || this.#stream.closed) return done(this.#reset());
    // What waits in a session counts against its limit of memory, so a large chunk goes piece by piece.
    const piece = chunk.length > PIECE ? chunk.subarray(0, PIECE) : chunk;
    this.#stream.write(piece, (error) => {
      if (error) done(this.#reset(error));
      else if (piece.length === chunk.length) done();
      else this._write(chunk.subarray(PIECE), encoding, done);
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#stream.destroyed || this.#stream.closed) return done();
    this.#stream.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idle);
    const stream = this.#stream;
    if (!stream.destroyed && !stream.closed && !(this.readableEnded && this.writableFinished)) {
      // Node would end our direction before the reset, and the peer take what it has for the whole.
      stream._final = (finished) => finished();
      // RFC 9113, 8.5: CONNECT_ERROR is the TCP connection's error; a caller that lost interest cancels.
      const broken = error !== null && error.name !== 'AbortError';
      stream.close(broken ? constants.NGHTTP2_CONNECT_ERROR : constants.NGHTTP2_CANCEL);
    }
    // Data that nobody will read would keep the HTTP/2 stream, and the count of streams, alive.
    stream.resume();
    done(error);
  }

  #touch(): void {
    this.#idle?.refresh();
  }

  /** Emits `timeout` after so long without data either way; 0 ends that. */
  setTimeout(ms: number, listener?: () => void): this {
    clearTimeout(this.#idle);
    this.#idle = ms > 0 ? setTimeout(() => this.emit('timeout'), ms).unref() : undefined;
    if (listener) this.once('timeout', listener);
    return this;
  }

  // A socket's options are the connection's, which streams share.
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
