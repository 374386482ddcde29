import type { ReplyRequest } from './context.ts';
import { grpcStatusOf, isGrpc, percentEncode } from './grpc.ts';
import { type Header, HeaderMap } from './headers.ts';
import { fromUtf8 } from './memory.ts';

/** What the client is answered instead of an upstream's response. */
export interface LocalReply {
  /** As on the wire: 200 for a request of gRPC, whose status is `grpcStatus`. */
  readonly status: number;
  readonly body: string;
  readonly headers: readonly Header[];
  /** Response code details, for the access log. */
  readonly details: string;
  readonly grpcStatus: number | undefined;
}

/** The response headers that Envoy makes of a local reply: before the filters see them on their way out. */
export function replyHeaders(request: HeaderMap, reply: ReplyRequest): HeaderMap {
  const headers = new HeaderMap('response', [[':status', String(reply.status)]]);
  for (const [name, value] of reply.headers) headers.add(name, value);
  if (isGrpc(request)) {
    headers.replace(':status', '200');
    headers.replace('content-type', 'application/grpc');
    headers.replace('grpc-status', String(reply.grpcStatus ?? grpcStatusOf(reply.status)));
    if (reply.body.length > 0) headers.replace('grpc-message', percentEncode(reply.body));
    return headers;
  }
  if (reply.body.length > 0) {
    headers.replace('content-length', String(reply.body.length));
    if (headers.get('content-type') === undefined) headers.add('content-type', 'text/plain');
  }
  return headers;
}

/** The body that goes with `replyHeaders`: none for gRPC and none for HEAD. */
export function replyBody(request: HeaderMap, reply: ReplyRequest): Uint8Array {
  return isGrpc(request) || request.get(':method') === 'HEAD' ? new Uint8Array(0) : reply.body;
}

/** What was answered in the end, after the filters. */
export function localReply(headers: HeaderMap, body: Uint8Array, details: string): LocalReply {
  const grpc = headers.get('grpc-status');
  return {
    status: Number(headers.get(':status')),
    body: fromUtf8(body),
    headers: headers.entries.filter(([name]) => name !== ':status'),
    details,
    grpcStatus: grpc === undefined ? undefined : Number(grpc),
  };
}
