import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/**
 * Carries bytes both ways between two streams that allow half-open: the end of one direction is passed on alone, and
 * what breaks one breaks the other (a TCP RST becomes RST_STREAM and the other way round). `done` is called once, when
 * both are closed.
 */
export function splice(a: Duplex, b: Duplex, done: () => void = () => undefined): void {
  let open = 2;
  const join = (from: Duplex, to: Duplex): void => {
    // 'close' follows and says what is to be done; without a listener the error would be uncaught.
    from.on('error', () => undefined);
    from.once('close', () => {
      if (!from.readableEnded || from.errored) reset(to);
      if (--open === 0) done();
    });
    from.pipe(to);
  };
  join(a, b);
  join(b, a);
}

function reset(stream: Duplex): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket) stream.resetAndDestroy();
  else stream.destroy(new Error('the other side of the tunnel was reset'));
}
