import type { HeaderMap } from './headers.ts';
import { fromLatin1 } from './memory.ts';

/** The gRPC status for an HTTP status, by gRPC's own table (http-grpc-status-mapping.md). */
export function grpcStatusOf(status: number): number {
  switch (status) {
    case 400: // INTERNAL
      return 13;
    case 401: // UNAUTHENTICATED
      return 16;
    case 403: // PERMISSION_DENIED
      return 7;
    case 404: // UNIMPLEMENTED
      return 12;
    case 429: // UNAVAILABLE
    case 502:
    case 503:
    case 504:
      return 14;
    default: // UNKNOWN
      return 2;
  }
}

/** A request of gRPC: its content type is `application/grpc` or `application/grpc+…`. */
export function isGrpc(request: HeaderMap): boolean {
  return /^application\/grpc(\+|$)/.test(request.get('content-type') ?? '');
}

/** As gRPC encodes a status message: everything but printable ASCII, and `%` itself, is escaped. */
export function percentEncode(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    if (byte < 0x20 || byte >= 0x7f || byte === 0x25) text += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    else text += fromLatin1(Uint8Array.of(byte));
  }
  return text;
}
