import { HboneError } from '#hbone/error.ts';
import { EXIT } from '../exit.ts';
import { Failure } from '../failure.ts';
import type { MeshEntry } from '../request.ts';
import { NoAnswer } from '../request/deadline.ts';
import { Http2Failure } from '../request/http2.ts';

/** Each way in which there is no answer has its own exit code. */
export function asFailure(error: unknown, { authority, waypoint }: MeshEntry): unknown {
  const place = `${waypoint.host}:${waypoint.port}`;
  if (error instanceof NoAnswer)
    return new Failure(EXIT.timedOut, error.message, { next: 'a longer --max-time, or portolan explain' });
  if (error instanceof Http2Failure)
    return new Failure(EXIT.failed, error.message, {
      expected: 'an HTTP port behind the waypoint',
      next: 'the same without --http2, or portolan status -o wide',
    });
  if (!(error instanceof HboneError)) {
    if (!isBrokenOff(error)) return error;
    return new Failure(EXIT.failed, 'the answer broke off, or is no HTTP', { next: 'portolan status -o wide' });
  }
  switch (error.failure) {
    case 'tls':
    case 'identity':
      return new Failure(EXIT.refused, error.message, {
        next: 'portolan certs inspect FILE, or other roots with --root',
      });
    case 'timeout':
      return new Failure(EXIT.timedOut, error.message, { next: 'portolan status' });
    case 'refused':
      return new Failure(EXIT.unreachable, error.message, {
        ...(error.status === 404
          ? { expected: `a virtual address and port that ${place} serves`, came: authority }
          : {}),
        next: 'portolan status -o wide',
      });
    case 'unreachable':
      return new Failure(EXIT.unreachable, error.message, {
        expected: `a waypoint at ${place}`,
        next: 'portolan status',
      });
    case 'reset':
    case 'closed':
    case 'authority':
      return new Failure(EXIT.failed, error.message, { next: 'portolan status' });
  }
}

/** Node's ways to say that the connection ended before the answer did, or that what came is no HTTP. */
function isBrokenOff(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' || (code?.startsWith('HPE_') ?? false);
}
