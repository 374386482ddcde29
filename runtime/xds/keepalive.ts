import type { Http2Session } from 'node:http2';

const INTERVAL = 30_000;
const TIMEOUT = 10_000;

/** Ends a session whose peer does not answer a ping within 10 seconds; asked every 30. */
export function keepAlive(session: Http2Session, interval = INTERVAL, timeout = TIMEOUT): void {
  const timer = setInterval(() => {
    if (session.destroyed || session.closed) return;
    const late = setTimeout(() => session.destroy(), timeout);
    late.unref();
    try {
      session.ping(() => clearTimeout(late));
    } catch {
      // Too many pings are unanswered already; the timeout that is running ends the session.
    }
  }, interval);
  timer.unref();
  session.once('close', () => clearInterval(timer));
}
