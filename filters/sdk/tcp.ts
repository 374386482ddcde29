import { STREAM_DOWNSTREAM } from '../abi/proxy.ts';
import { proxy_close_stream } from './env.ts';
import { feature } from './feature.ts';
import { reset } from './memory.ts';
import { Stream, streamOf } from './stream.ts';

// Callbacks of a TCP connection (the network filter); see http.ts for what to export.

function begin(id: u32): Stream {
  reset();
  return streamOf(id);
}

export function proxy_on_new_connection(id: u32): u32 {
  return feature.onConnection(begin(id));
}

export function proxy_on_downstream_data(id: u32, size: u32, endOfStream: u32): u32 {
  return feature.onDownstreamData(begin(id), size, endOfStream != 0);
}

export function proxy_on_upstream_data(id: u32, size: u32, endOfStream: u32): u32 {
  return feature.onUpstreamData(begin(id), size, endOfStream != 0);
}

/** Closes the connection to the client, at the end of this callback. */
export function closeDownstream(): u32 {
  return proxy_close_stream(STREAM_DOWNSTREAM);
}
