import { proxy_send_local_response } from './env.ts';
import { Text } from './text.ts';

/**
 * Answers the request here; nothing goes upstream. Return ACTION_PAUSE after it. `details` become Envoy's response
 * code details; a request of gRPC gets `grpcStatus`, or what Envoy makes of the HTTP status when GRPC_STATUS_NONE.
 */
export function reply(status: u32, details: usize, detailsSize: u32, body: Text, grpcStatus: u32): u32 {
  return proxy_send_local_response(status, details, detailsSize, body.pointer, body.size, 0, 0, grpcStatus);
}
